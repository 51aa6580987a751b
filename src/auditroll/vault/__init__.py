"""The mapping between identities and pseudonyms, in a database and under keys of its own.

Import the module you are allowed to: `auditroll.vault.assign` (collection) or
`auditroll.vault.reveal` (privacy requests). This package re-exports neither, so that the import
contracts can tell them apart.
"""

__all__: list[str] = []
