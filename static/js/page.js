// Pages without a market on them: theme, menu, halt.
import { halt } from "./halt.js";
import { prefs } from "./prefs.js";

prefs();
halt();
