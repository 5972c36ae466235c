"""Settings, all from the environment (and `.env`): every name read here is in `.env.example` with its meaning.

Without `DATABASE_URL` and `REDIS_URL` the servers are those of the embedded installation in `DATA`, whose addresses
`manage.py up` writes to `DATA/installation.json`; so every command finds a running installation by `DATA` alone.
"""

from __future__ import annotations

import decimal
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

from terminal import environment as env
from terminal.up import installation

# Money has up to 38 digits; Decimal's default of 28 would round it. For this thread and all that start after it.
decimal.DefaultContext.prec = 60
decimal.setcontext(decimal.DefaultContext)

ROOT = Path(__file__).resolve().parent.parent
env.load(ROOT / ".env")

# --- where everything is -------------------------------------------------------------------------------------------
DATA = Path(env.text("DATA", ".data"))
DATA = DATA if DATA.is_absolute() else ROOT / DATA
_written = installation.read(DATA)

DATABASE_URL: str = (
    env.text("DATABASE_URL") or _written.get("database_url", "") or installation.expected_database_url(DATA)
)
REDIS_URL: str = env.text("REDIS_URL") or _written.get("redis_url", "") or installation.expected_redis_url(DATA)

# --- secrets -------------------------------------------------------------------------------------------------------
# Signs sessions and encrypts API secrets. One made up here would log everybody out at each start and make kept
# secrets unreadable, so it serves only commands that sign nothing (checks.py refuses the rest).
SECRET_KEY = env.text("SECRET_KEY") or installation.secret_key(DATA)
SECRET_KEY_IS_EPHEMERAL = not SECRET_KEY
SECRET_KEY = SECRET_KEY or secrets.token_urlsafe(48)

# --- switches ------------------------------------------------------------------------------------------------------
DEBUG = env.switch("DEBUG")
LIVE_TRADING = env.switch("LIVE_TRADING")
ENGINE_SHARDS = env.number("ENGINE_SHARDS", 1, least=1)
EXCHANGE_OVERRIDES = env.text("EXCHANGE_OVERRIDES")
CREDENTIAL_KEY_FILE = env.text("CREDENTIAL_KEY_FILE", str(DATA / "credential.key"))
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", [])
AUDIT_KEY_FILE = env.text("AUDIT_KEY_FILE", str(DATA / "audit.key"))
# What this installation is called in a browser; `up` sets it to the address it listens on.
PUBLIC_URL = env.text("PUBLIC_URL", "http://127.0.0.1:8000")
BEHIND_TLS = env.switch("BEHIND_TLS")
METRICS_PUBLIC = env.switch("METRICS_PUBLIC")
# What web takes at once; terminal/web/peers.py says who counts as one.
CONNECTIONS_MAX = env.number("CONNECTIONS_MAX", 2000, least=20)
CONNECTIONS_PER_ADDRESS = env.number("CONNECTIONS_PER_ADDRESS", 20, least=1)
TRUSTED_PROXIES = env.words("TRUSTED_PROXIES", [])

# --- Django --------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    # without its discovery: only web imports the admin pages (urls.py), an engine shall start in a second
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "marketdata",
    "orders",
    "strategies",
    "terminal",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "terminal.headers.SecureHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "terminal.urls"
ASGI_APPLICATION = "terminal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True

# --- PostgreSQL: the truth -----------------------------------------------------------------------------------------
# A pool, because under ASGI each thread would keep a connection of its own until the server has none left. It asks
# whether a connection still lives before handing it out, so a restarted PostgreSQL is found again at once.
DATABASES: dict[str, dict[str, Any]] = {"default": env.database("DATABASE_URL", DATABASE_URL)}
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 0,
    "max_size": env.number("DATABASE_POOL_MAX", 16, least=2),
    "timeout": 5,
    "max_idle": 120,
}

# --- Valkey or Redis: the doorbell ---------------------------------------------------------------------------------
# socket_timeout None: redis-py's 5 seconds would cut every reader that waits longer than that for news.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}], "prefix": "channels"},
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- people --------------------------------------------------------------------------------------------------------
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = BEHIND_TLS
CSRF_COOKIE_SECURE = BEHIND_TLS
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
X_FRAME_OPTIONS = "DENY"

# --- static files: ours, and what npm fetched; collected by `make build`, served compressed by WhiteNoise ----------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(ROOT / "build" / "static")))
_npm = {
    "vendor/lightweight-charts": ROOT / "node_modules" / "lightweight-charts" / "dist",
    "vendor/inter": ROOT / "node_modules" / "@fontsource-variable" / "inter",
    "vendor/idiomorph": ROOT / "node_modules" / "idiomorph" / "dist",
}
STATICFILES_DIRS: list[object] = [ROOT / "static", *((name, path) for name, path in _npm.items() if path.is_dir())]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if DEBUG else "terminal.staticfiles.Storage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG  # while writing pages: files as they are, nothing collected

# --- seed files ------------------------------------------------------------------------------------------------------
# What a seed file may hold, in the order in which it is applied; an app to the right knows nothing of those to its left.
SEED_SECTIONS = (
    "marketdata.seeding.Exchanges",
    "marketdata.seeding.Assets",
    "marketdata.seeding.Instruments",
    "marketdata.seeding.Subscriptions",
    "orders.seeding.Limits",
    "orders.seeding.Accounts",
    "strategies.seeding.Strategies",
)

# --- REST ----------------------------------------------------------------------------------------------------------
# One way to say who asks, what they may do and how things fail, for the views of every app.
REST_FRAMEWORK: dict[str, object] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["orders.rest.Authentication"],
    "DEFAULT_PERMISSION_CLASSES": ["orders.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["orders.throttles.Requests"],
    "DEFAULT_PARSER_CLASSES": ["orders.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "orders.rest.AlwaysJSON",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "orders.rest.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "ISSUER": "meridian",
    "AUDIENCE": "meridian",
    "CHECK_REVOKE_TOKEN": True,  # a token of before a change of password is no longer one
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Meridian",
    "DESCRIPTION": "Trade, and read the market, from a program. Decimals are text, times are ISO 8601 in UTC, lists come "
    "in pages. Requests are signed: X-API-Key, X-API-Timestamp (ms) and X-API-Signature, the hex HMAC-SHA256 with the "
    "secret over timestamp + method + path?query + sha256hex(body).",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {"TradingState": ["active", "reducing", "halted"], "StopState": ["halted", "reducing"]},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- logs: to stderr; `up` keeps each process's in DATA/log --------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"asked": {"()": "terminal.logs.NotAProbe"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "django.channels.server": {"level": "WARNING"},
        "django.request": {"filters": ["asked"]},
        "celery.beat": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
