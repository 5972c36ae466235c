"""Who did what, and the proof that neither that nor the journal was changed afterwards.

Two kinds of chain: one over each shard's journal, one over the audit. Each link is BLAKE2b-256 over the hash before it and the
bytes as they are stored. A chain's newest link, its head, is signed with a key that lies outside the database.
"""
