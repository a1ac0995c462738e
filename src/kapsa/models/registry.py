"""Registry: where images come from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kapsa.models.base import Column, Duration, Kind, Model, ObjectName, Rule, said
from kapsa.models.meta import AllowedNamespaces, Conditions, LocalSecretReference, ObjectMeta


class RegistryCredentials(Model):
    """Who Kapsa is to the registry."""

    secret_ref: LocalSecretReference
    """A Secret in the operator's namespace, of type `kubernetes.io/dockerconfigjson` or
    `kubernetes.io/basic-auth`."""


class RegistryOptions(Model):
    """What single types of registries want to know."""

    project_name: Annotated[str, Field(max_length=255, examples=["acme"])] = ""
    """Harbor: the project of the robot account."""
    robot_account: Annotated[str, Field(max_length=255, examples=["kapsa"])] = ""
    """Harbor: the short name of the robot account, for Secrets that hold nothing but a token."""


class ImagePullSecret(Model):
    """The Secret with which the pods' images are pulled."""

    name: Annotated[ObjectName, Field(examples=["kapsa-pull"])] = "kapsa-pull"
    """Name of the Secret, the same in each namespace."""
    generate_per_namespace: bool = True
    """Whether Kapsa makes it, of `pullAuth`, wherever an image of the registry runs. `false`: it is
    somebody else who makes it."""


class RegistrySpec(Model):
    """What an admin offers."""

    type: Literal["generic", "harbor", "gitlab", "docker", "ecr", "gcr", "acr"] = "generic"
    """The software behind the endpoint. `generic` speaks the OCI distribution API. `ecr`, `gcr` and
    `acr` get their passwords from the cloud that the operator runs in, where `auth` and `pullAuth`
    are left out."""
    endpoint: Annotated[
        str,
        Field(
            min_length=1,
            max_length=253,
            pattern=r"^[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]{1,5})?$",
            examples=["harbor.example.com"],
            json_schema_extra=said(
                "must be a host such as harbor.example.com or localhost:5000, without scheme and"
                " path"
            ),
        ),
    ]
    """Host of the registry, with a port where it isn't the default."""
    repository_template: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=255,
                pattern=r"^([a-z0-9]+([._-]+[a-z0-9]+)*|\{(namespace|project|imageRepository)\})"
                r"(/([a-z0-9]+([._-]+[a-z0-9]+)*|\{(namespace|project|imageRepository)\}))*$",
                examples=["acme/{namespace}/{imageRepository}"],
                json_schema_extra=said(
                    "must be a path such as acme/{namespace}/{imageRepository}; {namespace},"
                    " {project} and {imageRepository} are whole components of it, and nothing else"
                    " is in braces"
                ),
            ),
        ]
        | None
    ) = None
    """Where the images of a Project are, such as `acme/{namespace}/{imageRepository}`: nowhere else
    on this registry may it push, or run what is there. With `{namespace}` no team gets at another
    team's images. Left out: nobody pushes, and everybody may run what Kapsa can read."""
    insecure: bool = False
    """Speak plain http; for laboratories."""
    ca_secret_ref: LocalSecretReference | None = None
    """A Secret in the operator's namespace whose key `ca.crt` has the certificates that the
    registry is known by. Left out: those of public authorities."""
    auth: RegistryCredentials | None = None
    """Credentials with which images are pushed. They never leave the operator's and the builds'
    namespace. Left out: nobody pushes."""
    pull_auth: RegistryCredentials | None = None
    """Read-only credentials, used to look up images, and copied to where those run. Left out:
    none. What a cloud gives is never copied: nodes have identities of their own."""
    options: RegistryOptions = RegistryOptions()
    """What single types of registries want to know."""
    image_pull_secret: ImagePullSecret | None = None
    """The Secret with which pods pull images of this registry. Left out: none is needed."""
    verify_interval: Annotated[Duration, Field(examples=["10m"])] = "10m"
    """How often Kapsa tries whether the registry takes its credentials."""
    allowed_namespaces: AllowedNamespaces = AllowedNamespaces()
    """Which namespaces' Projects may use the Registry."""

    rules: ClassVar = (
        Rule(
            "!has(self.imagePullSecret) || (has(self.imagePullSecret.generatePerNamespace)"
            " && !self.imagePullSecret.generatePerNamespace) || has(self.pullAuth)",
            "imagePullSecret is made of pullAuth; set that too, or generatePerNamespace to false",
        ),
    )


class RegistryStatus(Model):
    """Whether the registry can be used."""

    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The `metadata.generation` that this status is about."""
    conditions: Conditions = ()
    """What holds of the registry."""
    verified: bool = False
    """Whether the registry took the credentials when it was last asked."""
    last_verified: Annotated[str, Field(json_schema_extra={"format": "date-time"})] | None = None
    """When the registry last took the credentials; noted at most once in `verifyInterval`."""


class Registry(Model):
    """A registry of container images, with the credentials that Kapsa uses there."""

    definition: ClassVar = Kind(
        kind="Registry",
        plural="registries",
        short_names=("kreg",),
        scope="Cluster",
        columns=(
            Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
            Column("Type", ".spec.type"),
            Column("Endpoint", ".spec.endpoint"),
            Column("Verified", ".status.lastVerified", "date"),
            Column("Age", ".metadata.creationTimestamp", "date"),
            Column("Message", '.status.conditions[?(@.type=="Ready")].message', priority=1),
        ),
    )

    metadata: ObjectMeta
    spec: RegistrySpec
    status: RegistryStatus = RegistryStatus()
