"""The families of video models: what each reads from its files, and how it is built and used."""
