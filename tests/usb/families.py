"""The families of tokens that mail is read with, by the names of their models (model.c), each with a kind of key that
the card in it takes."""

FAMILIES = {"yubikey-5": "cv25519", "nitrokey-start": "cv25519", "nitrokey-pro": "rsa2048",
            "nitrokey-storage": "nistp256", "nitrokey-3": "cv25519"}
