"""What objects of the same files say of one another."""

import pytest

from tests.unit.cli.manifests import POOL, PROJECT, REGISTRY, said

WITH_OFFERS = PROJECT + "  registry: {name: harbor}\n  domain: {domainPoolRef: {name: apps}}\n"

ENVIRONMENT = """\
apiVersion: kapsa-project.io/v1alpha1
kind: Environment
metadata: {name: web, namespace: team-a}
spec:
  image: ghcr.io/acme/shop:1
  registry: {name: harbor}
"""


@pytest.mark.parametrize(
    ("texts", "lines"),
    [
        pytest.param((WITH_OFFERS, POOL, REGISTRY), [], id="all-there"),
        pytest.param(
            (WITH_OFFERS, POOL, REGISTRY.replace("ghcr.io", "harbor.example.com")),
            [
                (
                    "a:6:11: spec.build.image: image ghcr.io/acme/shop is not on Registry harbor,"
                    " whose endpoint is harbor.example.com; use an image from there, or name"
                    " another Registry in spec.registry.name"
                )
            ],
            id="an-image-elsewhere",
        ),
        pytest.param(
            (
                WITH_OFFERS.replace("shop}", "shop, namespace: team-a}"),
                POOL,
                REGISTRY.replace("ghcr.io", 'ghcr.io, repositoryTemplate: "{namespace}/{project}"'),
            ),
            [
                (
                    "a:6:11: spec.build.image: ghcr.io/acme/shop is not where Registry harbor has"
                    " the images of Project shop, which is ghcr.io/team-a/shop; use an image from"
                    " there"
                )
            ],
            id="an-image-of-another-namespace",
        ),
        pytest.param(
            (ENVIRONMENT, REGISTRY.replace("ghcr.io", "harbor.example.com")),
            [
                (
                    "a:5:3: spec.image: image ghcr.io/acme/shop:1 is not on Registry harbor, whose"
                    " endpoint is harbor.example.com; use an image from there, or name another"
                    " Registry in spec.registry.name"
                )
            ],
            id="an-environment-that-stands-alone",
        ),
        pytest.param(
            (WITH_OFFERS,),
            [
                (
                    "a:7:14: note: spec.registry.name: no Registry is among the files; harbor was"
                    " not looked for"
                ),
                (
                    "a:8:28: note: spec.domain.domainPoolRef.name: no DomainPool is among the"
                    " files; apps was not looked for"
                ),
            ],
            id="nothing-to-compare-with",
        ),
        pytest.param(
            (WITH_OFFERS, POOL.replace("apps}", "web}"), REGISTRY.replace("harbor}", "hub}")),
            [
                (
                    "a:7:14: spec.registry.name: Registry harbor is not among the files, which hold"
                    " hub"
                ),
                (
                    "a:8:28: spec.domain.domainPoolRef.name: DomainPool apps is not among the"
                    " files, which hold web"
                ),
            ],
            id="others-are-there",
        ),
        pytest.param(
            (WITH_OFFERS, POOL + "extra: 1\n", REGISTRY + "extra: 1\n"),
            [
                "b:5:1: extra: unknown field; known here: apiVersion, kind, metadata, spec, status",
                "c:5:1: extra: unknown field; known here: apiVersion, kind, metadata, spec, status",
            ],
            id="there-but-wrong",
        ),
        pytest.param(
            (PROJECT + "  domain: {domainPoolRef: {name: apps}, subdomain: www}\n", POOL),
            [
                (
                    "a:7:41: spec.domain.subdomain: DomainPool apps reserves the subdomain 'www',"
                    " or there is a base domain of that name; choose another in"
                    " spec.domain.subdomain"
                )
            ],
            id="a-reserved-subdomain",
        ),
        pytest.param(
            (
                PROJECT
                + "  domain: {domainPoolRef: {name: apps}}\n"
                + "  ingress: {annotations: {example.com/a: one, example.com/b: two}}\n"
                + "  environments:\n"
                + "  - {name: a, branch: main, ingress: {host: x.apps.example.com}}\n",
                POOL,
            ),
            [
                (
                    "a:8:13: spec.ingress.annotations: DomainPool apps does not allow"
                    " example.com/a, example.com/b; leave it out, or ask an admin to add it to"
                    " spec.routing.allowedAnnotations of the pool"
                ),
                (
                    "a:10:39: spec.environments[0].ingress.host: host x.apps.example.com is in"
                    " apps.example.com, where only DomainPools give hosts; choose another"
                    " spec.ingress.host, or leave it out and get one of spec.domain.domainPoolRef"
                ),
            ],
            id="what-the-pool-does-not-allow",
        ),
        pytest.param(
            (
                (
                    "apiVersion: kapsa-project.io/v1alpha1\nkind: Environment\n"
                    "metadata: {name: web}\nspec: {domain: {domainPoolRef: {name: web}}}\n"
                ),
                POOL,
            ),
            [
                (
                    "a:4:33: spec.domain.domainPoolRef.name: DomainPool web is not among the files,"
                    " which hold apps"
                )
            ],
            id="an-environment",
        ),
    ],
)
def test_what_objects_say_of_one_another(texts: tuple[str, ...], lines: list[str]) -> None:
    assert said(*texts) == lines
