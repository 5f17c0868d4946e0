"""What git hosts and image registries want to see. Those of git hosts can be the `credentials` of a `GitRepository`."""

from __future__ import annotations

from pydantic import Field, SecretStr

from flowhand.blocks.block import Block


class GitCredentials(Block):
    """What opens a git repository, over https or ssh.

    Example:
        GitCredentials(access_token="glpat-…").save("our-gitlab")
        GitRepository(url, credentials=GitCredentials.load("our-gitlab"))
    """

    _block_type_name = "Git Credentials"

    username: str | None = Field(default=None, description="The user; found by the token's form unless given.")
    access_token: SecretStr | None = Field(default=None, description="A token.")
    password: SecretStr | None = Field(default=None, description="The user's password.")
    ssh_key: SecretStr | None = Field(default=None, description="A private key, for ssh addresses.")
    passphrase: SecretStr | None = Field(default=None, description="The key's passphrase.")
    known_hosts: str | None = Field(default=None, description="Lines as of known_hosts; the user's own file unless given.")


class GitHubCredentials(Block):
    """A token of GitHub."""

    _block_type_name = "GitHub Credentials"

    token: SecretStr | None = Field(default=None, description="A personal access token, or one of an app's installation.")


class GitLabCredentials(Block):
    """A token of GitLab."""

    _block_type_name = "GitLab Credentials"

    token: SecretStr | None = Field(default=None, description="A personal, project or group access token.")
    url: str | None = Field(default=None, description="The address of a GitLab of one's own.")


class BitBucketCredentials(Block):
    """A token, or user and password, of Bitbucket."""

    _block_type_name = "BitBucket Credentials"

    token: SecretStr | None = Field(default=None, description="An access token or API token.")
    username: str | None = Field(default=None, description="The user that the token or password belongs to.")
    password: SecretStr | None = Field(default=None, description="The user's password.")
    url: str = Field(default="https://api.bitbucket.org/", description="The address of a Bitbucket of one's own.")


class DockerRegistry(Block):
    """Who may see an image registry: a docker pool's `registry_credentials`."""

    _block_type_name = "Docker Registry"

    username: str = Field(description="The user.")
    password: SecretStr = Field(description="The user's password or token.")
    registry_url: str | None = Field(default=None, description="The registry; the image's own unless given.")
    reauth: bool = Field(default=True, description="Accepted and without effect: each pull logs in.")


class DockerRegistryCredentials(DockerRegistry):
    """The same, as Prefect's package for Docker calls it."""

    _block_type_name = "Docker Registry Credentials"
