"""Who may call: registered clients, their keys, and the tokens they sign (CDS Hooks 2.0, Security).

Import from the modules: `authentication` decides about a call; `clients_file` and `clients` read who is
registered; `keys`, `remote_keys` and `fetch` hold the public keys; `tokens` and `claims` check one token;
`rate` counts calls. Nothing here is imported before a client is registered.
"""
