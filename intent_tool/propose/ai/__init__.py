"""The AI provider: a model that is asked for code or for a contract, over HTTP. Nothing that it says is believed.

`provider` says whom to ask, `client` asks; `prompt`, `grammar` and `proposal` are the question and the answer. Here
is the only code of the tool that holds a key, and it runs in the process that the user started, never in a worker."""
