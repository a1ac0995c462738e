"""What tests and the demo do with the forge: people, repositories, pull requests."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from lab.deadline import Deadline
from lab.errors import ApiError
from lab.httpclient import basic, request_json

_LABEL_COLOUR = "#1d76db"
_SETTLE_SECONDS = 15.0


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in to the forge."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Repository:
    """A repository of the forge; `clone_url` has no credentials in it."""

    owner: str
    name: str
    clone_url: str

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True)
class Gitea:
    """The forge, acted on by its administrator. All methods raise ApiError if it refuses."""

    url: str
    username: str
    password: str = field(repr=False)
    token: str = field(repr=False)

    def call(self, method: str, path: str, payload: Any = None) -> Any:
        """Calls the API below /api/v1 with the administrator's token; the parsed answer."""
        url = f"{self.url}/api/v1{path}"
        return request_json(method, url, authorization=f"token {self.token}", payload=payload)

    def create_user(self, name: str) -> Account:
        """Makes an ordinary user with a random password."""
        password = secrets.token_urlsafe(16)
        self.call(
            "POST",
            "/admin/users",
            {
                "username": name,
                "email": f"{name}@kapsa.invalid",
                "password": password,
                "must_change_password": False,
            },
        )
        return Account(name, password)

    def create_organisation(self, name: str) -> None:
        """Makes an organisation that the administrator owns."""
        self.call("POST", "/orgs", {"username": name, "visibility": "private"})

    def create_token(self, account: Account | None = None, *scopes: str) -> str:
        """Makes an access token for a user (the administrator); `scopes` default to `all`."""
        name = account.name if account else self.username
        password = account.password if account else self.password
        made = request_json(
            "POST",
            f"{self.url}/api/v1/users/{quote(name)}/tokens",
            authorization=basic(name, password),
            payload={"name": secrets.token_hex(6), "scopes": list(scopes) or ["all"]},
        )
        return str(made["sha1"])

    def create_repository(
        self, name: str, *, owner: str | None = None, private: bool = True
    ) -> Repository:
        """Makes an empty repository of a user or an organisation (of the administrator)."""
        owner = owner or self.username
        path = f"/admin/users/{quote(owner)}/repos"
        made = self.call("POST", path, {"name": name, "private": private, "default_branch": "main"})
        return Repository(owner, name, str(made["clone_url"]))

    def add_collaborator(
        self,
        repository: Repository,
        account: Account,
        permission: Literal["read", "write", "admin"] = "write",
    ) -> None:
        """Lets a user into a repository."""
        path = f"/collaborators/{quote(account.name)}"
        self._on(repository, "PUT", path, {"permission": permission})

    def git_url_with_credentials(
        self, repository: Repository, *, username: str | None = None, token: str | None = None
    ) -> str:
        """The clone URL with a user and token (the administrator's) in it, for pushing."""
        parts = urlsplit(repository.clone_url)
        user, secret = quote(username or self.username), quote(token or self.token)
        return parts._replace(netloc=f"{user}:{secret}@{parts.netloc}").geturl()

    def open_pull_request(self, repository: Repository, head: str, base: str, title: str) -> int:
        """Opens a pull request between two pushed branches; its number."""
        # For a moment after a push the forge still takes the repository for empty.
        payload = {"head": head, "base": base, "title": title}
        made = self._on_when_ready(repository, "POST", "/pulls", payload, not_yet=404)
        return int(made["number"])

    def close_pull_request(self, repository: Repository, number: int) -> None:
        """Closes a pull request without merging it."""
        self._on(repository, "PATCH", f"/pulls/{number}", {"state": "closed"})

    def reopen_pull_request(self, repository: Repository, number: int) -> None:
        """Opens a closed pull request again."""
        self._on(repository, "PATCH", f"/pulls/{number}", {"state": "open"})

    def merge_pull_request(self, repository: Repository, number: int) -> None:
        """Merges a pull request with a merge commit, as soon as the forge has checked it."""
        # While the forge looks for conflicts it answers 405, "please try again later".
        path = f"/pulls/{number}/merge"
        self._on_when_ready(repository, "POST", path, {"Do": "merge"}, not_yet=405)

    def add_labels(self, repository: Repository, number: int, *names: str) -> None:
        """Puts labels on a pull request; makes those that don't exist yet."""
        identifiers = [self._label(repository, name) for name in names]
        self._on(repository, "POST", f"/issues/{number}/labels", {"labels": identifiers})

    def remove_label(self, repository: Repository, number: int, name: str) -> None:
        """Takes a label off a pull request."""
        identifier = self._label(repository, name)
        self._on(repository, "DELETE", f"/issues/{number}/labels/{identifier}")

    def comments(self, repository: Repository, number: int) -> list[str]:
        """The texts of the comments on a pull request, oldest first."""
        found = self._on(repository, "GET", f"/issues/{number}/comments")
        return [str(comment["body"]) for comment in found]

    def commit_statuses(self, repository: Repository, sha: str) -> dict[str, str]:
        """The latest status of a commit by context, such as {"kapsa/shop": "success"}."""
        found = self._on(repository, "GET", f"/commits/{quote(sha)}/status")
        return {str(s["context"]): str(s["status"]) for s in found["statuses"] or []}

    def create_webhook(self, repository: Repository, url: str, secret: str, *events: str) -> int:
        """Has the forge call `url` on events (push and pull_request), signed; the hook's id."""
        hook = {
            "type": "gitea",
            "active": True,
            "events": list(events) or ["push", "pull_request"],
            "config": {"url": url, "content_type": "json", "secret": secret},
        }
        return int(self._on(repository, "POST", "/hooks", hook)["id"])

    def delete_repository(self, repository: Repository) -> None:
        """Removes a repository."""
        self._on(repository, "DELETE", "")

    def _on(self, repository: Repository, method: str, path: str, payload: Any = None) -> Any:
        owner, name = quote(repository.owner), quote(repository.name)
        return self.call(method, f"/repos/{owner}/{name}{path}", payload)

    def _on_when_ready(
        self, repository: Repository, method: str, path: str, payload: Any, *, not_yet: int
    ) -> Any:
        deadline = Deadline(_SETTLE_SECONDS)
        while True:
            try:
                return self._on(repository, method, path, payload)
            except ApiError as error:
                if error.status != not_yet or deadline.has_passed:
                    raise
            time.sleep(0.05)

    def _label(self, repository: Repository, name: str) -> int:
        for label in self._on(repository, "GET", "/labels?limit=50"):
            if label["name"] == name:
                return int(label["id"])
        payload = {"name": name, "color": _LABEL_COLOUR}
        return int(self._on(repository, "POST", "/labels", payload)["id"])
