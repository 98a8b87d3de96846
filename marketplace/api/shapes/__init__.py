"""The bodies of the API's requests and answers, each typed once: read, checked and described from the same type."""
