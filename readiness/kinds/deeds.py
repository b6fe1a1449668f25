"""What a command or an action of a pipeline does: tests, builds, pushes, deploys, watches, rolls back, scans, tells.

One table for commands, one for actions; rules read the answers and know no tool by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from readiness.kinds.scripts import Call, calls


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing done: what, by which family of tools, and where in its script (0, 0 for an action).

    `weak` says that the name alone tells it (`./deploy.sh`, `ssh host`): it counts where the job says so too.
    """

    kind: str
    family: str = ""
    start: int = 0
    end: int = 0
    text: str = ""
    weak: bool = False


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_O = r"(?: -{1,2}[A-Za-z][A-Za-z-]{0,30}(?:[= ][^ ]{0,80})?){0,6}"  # options before a verb
# (kind, family, pattern over "program word word", weak)
_COMMANDS: tuple[tuple[str, str, re.Pattern[str], bool], ...] = (
    ("deploy", "kubernetes", _any(
        rf"(?:kubectl|oc|microk8s\.kubectl){_O} (?:apply|replace|set image|rollout restart|patch|scale|new-app)\b",
        r"kubectl argo rollouts set\b", r"kpt live apply\b", r"kapp deploy\b", r"skaffold (?:run|deploy)\b",
        r"werf converge\b", r"tanka? apply\b", r"tk apply\b", r"okteto (?:deploy|up)\b"), False),
    ("deploy", "helm", _any(rf"helm{_O} (?:upgrade|install)\b", r"helmfile\b.{0,80} (?:apply|sync)\b"), False),
    ("deploy", "argo", _any(r"argocd\b.{0,80} app (?:sync|set)\b", r"flux reconcile\b"), False),
    ("deploy", "swarm", _any(r"docker\b.{0,80} (?:stack deploy|service update)\b"), False),
    ("deploy", "ecs", _any(r"aws\b.{0,60} ecs (?:update-service|deploy)\b", r"ecs-cli compose\b.{0,80} up\b",
                           r"ecs deploy\b", r"copilot (?:svc |job )?deploy\b"), False),
    ("deploy", "platform", _any(
        r"gcloud\b.{0,60} (?:run (?:deploy|services (?:update|replace))|app deploy|functions deploy|deploy releases create)\b",
        r"az\b.{0,40} (?:webapp (?:deploy|deployment|up|config container set)|containerapp (?:update|up)|functionapp (?:deploy|deployment))\b",
        r"aws\b.{0,60} (?:lambda update-function-code|elasticbeanstalk update-environment|apprunner (?:update-service|start-deployment)|deploy create-deployment)\b",
        r"(?:flyctl|fly) deploy\b", r"vercel\b.{0,120} (?:--prod\b|deploy\b)", r"netlify deploy\b.{0,120} --prod\b",
        r"heroku (?:container:release|deploy)\b", r"git push\b.{0,60} (?:heroku|dokku)\b", r"railway (?:up|deploy)\b",
        r"wrangler (?:deploy|publish)\b", r"firebase deploy\b", r"eb deploy\b", r"cf push\b", r"sam deploy\b",
        r"(?:serverless|sls) deploy\b", r"doctl apps (?:update|create-deployment)\b", r"kamal deploy\b", r"cap \S{1,40} deploy\b",
        r"nomad (?:job )?run\b", r"render deploys create\b", r"scalingo deploy\b", r"dep (?:deploy)\b"), False),
    ("deploy", "infra", _any(rf"(?:terraform|tofu|terragrunt){_O} apply\b", r"terragrunt run-all apply\b", r"pulumi up\b",
                             r"cdk deploy\b", r"aws\b.{0,60} cloudformation (?:deploy|update-stack)\b",
                             r"az deployment \S{1,20} create\b"), False),
    ("deploy", "compose", _any(r"docker(?:-compose| compose)\b.{0,120} up\b"), True),
    ("deploy", "ssh", _any(r"(?:ssh|sshpass|rsync|scp|ansible-playbook)\b", r"aws s3 sync\b"), True),
    ("rollout", "", _any(
        rf"(?:kubectl|oc){_O} (?:rollout status|wait)\b", r"kubectl argo rollouts (?:status|get)\b",
        r"argocd\b.{0,80} app wait\b", r"aws\b.{0,60} ecs wait\b", r"flux (?:get|wait)\b", r"docker service ps\b",
        r"ecs-deploy\b", r"helm status\b", r"kubestatus\b"), False),
    ("rollback", "", _any(
        rf"(?:kubectl|oc){_O} rollout undo\b", r"helm\b.{0,60} rollback\b", r"kubectl argo rollouts (?:undo|abort)\b",
        r"argocd\b.{0,80} app rollback\b", r"docker service (?:rollback|update\b.{0,80} --rollback)\b",
        r"heroku (?:rollback|releases:rollback)\b", r"cf rollback\b", r"kamal rollback\b", r"vercel rollback\b",
        r"gcloud\b.{0,60} run services update-traffic\b", r"eb deploy\b.{0,80} --version\b", r"oc rollback\b"), False),
    ("gradual", "", _any(r"kubectl argo rollouts (?:promote|set)\b", r"gcloud\b.{0,60} update-traffic\b",
                         r"az\b.{0,40} (?:webapp deployment slot|traffic-routing)\b"), False),
    ("smoke", "", _any(r"helm test\b", r"newman run\b", r"(?:curl|wget|http|xh)\b.{0,300}https?://",
                       r"(?:wait-on|wait-for-it|wait-for-it\.sh|httpstat|hurl|tavern-ci)\b"), False),
    ("test", "", _any(
        r"(?:py\.test|pytest|tox|nox|nosetests|unittest|nose2|behave|jest|vitest|mocha|ava|karma|rspec|minitest|ctest|bats|phpunit|pest"
        r"|cypress|playwright|testcafe|wdio|detox|busted|prove|gotestsum|ginkgo|codecept|behat)\b",
        r"(?:go|cargo|dotnet|swift|flutter|dart|deno|bun|mix|sbt|lein|stack|cabal|bazel|bazelisk|zig build|crystal|shards|nim|composer"
        r"|npm|yarn|pnpm|rails|rake|lerna|ant|gulp|grunt|elm-test|clj|rebar3|meson|R CMD) (?:\S{1,40} ){0,3}(?:test|tests|spec|nextest|check|t)\b",
        r"(?:npm|yarn|pnpm|bun|lerna|turbo|nx)\b(?: run| run-script| run-many| affected)?.{0,80}[ :=]test",
        r"(?:mvn|mvnw|gradle|gradlew)\b.{0,200} (?:test|verify|check|package|install|build|deploy|ci|\S{0,40}[tT]est)\b",
        r"(?:python\S{0,6} )?manage\.py test\b", r"xcodebuild\b.{0,300} test\b", r"make\b.{0,60} (?:test|tests|check|unit|ci|spec|verify)\S{0,30}",
        r"(?:cmake --build)\b.{0,80} test\b", r"docker(?:-compose| compose)\b.{0,120} (?:run|exec|up)\b.{0,120}test",
        r"molecule test\b", r"act\b"), False),
    ("lint", "", _any(
        r"(?:eslint|flake8|ruff|pylint|pycodestyle|mypy|pyright|golangci-lint|gofmt|golint|staticcheck|shellcheck|hadolint|yamllint|rubocop|stylelint"
        r"|ktlint|detekt|phpstan|phpcs|psalm|swiftlint|clang-tidy|clang-format|biome|oxlint|standard|tslint|markdownlint|markdownlint-cli2|actionlint|zizmor"
        r"|kube-linter|kube-score|kubeval|kubeconform|tflint|ansible-lint|commitlint|vale|black|isort|prettier|xo|credo|luacheck|sqlfluff|buf|ameba)\b",
        r"go vet\b", r"cargo (?:clippy|fmt)\b", r"(?:terraform|tofu)\b.{0,60} (?:fmt|validate)\b", r"helm\b.{0,40} lint\b",
        r"pre-commit run\b", r"tsc\b.{0,60} --noEmit\b", r"dotnet format\b", r"mix format\b", r"deno (?:lint|fmt)\b"), False),
    ("image-scan", "", _any(
        r"trivy\b.{0,80} (?:image|i)\b", r"grype\b", r"docker (?:scout|scan)\b", r"snyk container\b", r"dockle\b", r"clair-scanner\b",
        r"gcloud artifacts docker images (?:scan|describe)\b", r"aws ecr (?:start-image-scan|describe-image-scan-findings)\b", r"twistcli images scan\b"), False),
    ("audit", "", _any(
        r"(?:npm|yarn|pnpm|composer|bun)(?: npm)? audit\b", r"(?:pip-audit|safety|osv-scanner|govulncheck|nancy|audit-ci|better-npm-audit|dependency-check)\b",
        r"cargo (?:audit|deny)\b", r"(?:bundle|bundler|bundle-audit)(?: audit| check)?\b.{0,20}audit", r"trivy\b.{0,80} (?:fs|filesystem|repo|rootfs|sbom)\b",
        r"snyk (?:test|monitor)\b", r"dotnet list\b.{0,80} --vulnerable\b", r"mvn\b.{0,80}dependency-check", r"gradle\S{0,3}\b.{0,80}dependencyCheck"), False),
    ("secret-scan", "", _any(r"(?:gitleaks|trufflehog|detect-secrets|ggshield|talisman|git-secrets|whispers)\b", r"trivy\b.{0,120}--scanners?[= ]\S{0,40}secret"), False),
    ("analysis", "", _any(
        r"(?:bandit|semgrep|gosec|brakeman|sonar-scanner|codeql|checkov|tfsec|terrascan|kics|kubesec|njsscan|horusec|spotbugs|devskim|bearer|kubescape)\b",
        r"snyk code\b", r"(?:mvn|mvnw|gradle|gradlew)\b.{0,120}sonar", r"trivy\b.{0,40} config\b", r"dotnet sonarscanner\b"), False),
    ("license", "", _any(
        r"(?:license-checker|license-checker-rseidelsohn|licensee|pip-licenses|go-licenses|licensed|scancode|fossa|license_finder|licensecheck|liccheck|addlicense)\b",
        r"cargo (?:deny|about|license)\b", r"reuse lint\b", r"mvn\b.{0,80}license"), False),
    ("coverage", "", _any(
        r"(?:coverage|nyc|c8|codecov|coveralls|gcovr|lcov|kcov|diff-cover|cc-test-reporter|jacoco)\b", r".{0,200} --?(?:cov|coverage)\b",
        r"go test\b.{0,200}-cover", r"cargo (?:tarpaulin|llvm-cov)\b", r"(?:npm|yarn|pnpm)\b.{0,60}coverage", r".{0,120}XPlat Code Coverage",
        r"(?:mvn|gradle|mvnw|gradlew)\b.{0,120}[jJ]acoco"), False),
    ("benchmark", "", _any(
        r"(?:k6|locust|artillery|wrk|ab|jmeter|gatling|hyperfine|vegeta|hey|bombardier|asv|lhci|fortio|drill|oha|siege|taurus|bzt)\b",
        r"cargo (?:bench|criterion)\b", r"go test\b.{0,120}-bench", r"(?:npm|yarn|pnpm|make|just|task)\b.{0,40}(?:bench|perf\b|load-?test)", r"pytest\b.{0,120}benchmark"), False),
    ("notify", "", _any(r"(?:curl|wget)\b.{0,600}(?:hooks\.slack\.com|SLACK|slack\.com/api|discord|DISCORD|webhook\.office|TEAMS|api\.telegram|pagerduty|opsgenie|WEBHOOK)",
                        r"(?:slack-notify|slackcat|notify|sendmail|mail|mailx)\b"), False),
    ("sign", "", _any(r"cosign (?:sign|attest)\b", r"notation sign\b", r"docker trust sign\b"), False),
    ("sbom", "", _any(r"cosign attest\b", r"(?:syft|cyclonedx\S{0,12}|bom|spdx-sbom-generator)\b", r"docker (?:sbom|buildx build\b.{0,400} --sbom)\b", r"trivy\b.{0,200}--format[= ](?:cyclonedx|spdx)"), False),
    ("push", "", _any(
        r"(?:docker|podman|buildah|nerdctl)(?: image| manifest)? push\b", r"(?:docker|podman) (?:buildx |image )?(?:build|bake)\b.{0,600} (?:--push\b|--output[= ]type=registry)",
        r"docker(?:-compose| compose)\b.{0,80} push\b", r"(?:crane|skopeo|regctl) (?:push|copy|image copy)\b", r"ko (?:build|publish|apply)\b", r"executor\b.{0,400}--destination",
        r"gcloud builds submit\b", r"az acr build\b", r"(?:mvn|mvnw|gradle|gradlew)\b.{0,80}jib(?!DockerBuild|:dockerBuild)", r"pack build\b.{0,200}--publish"), False),
    ("build", "", _any(
        r"(?:docker|podman|nerdctl) (?:buildx |image |builder )?(?:build|bake)\b", r"buildah (?:bud|build)\b", r"executor\b.{0,400}--(?:destination|no-push)", r"ko build\b",
        r"docker(?:-compose| compose)\b.{0,80} build\b", r"gcloud builds submit\b", r"az acr build\b", r"nixpacks build\b", r"pack build\b", r"(?:mvn|gradle|mvnw|gradlew)\b.{0,80}jib"), False),
    ("platforms", "", _any(r"docker\b.{0,600} --platforms?[= ]\S{0,60},\S", r"docker manifest create\b", r"ko (?:build|publish)\b.{0,200}--platform[= ](?:all|\S{0,60},)"), False),
)  # fmt: skip
_CLUSTERS = frozenset({"kind", "minikube", "k3d", "ctlptl", "microk8s", "kwok"})
_CLUSTER_ACTIONS = re.compile(r"(?:helm/kind-action|engineerd/setup-kind|medyagh/setup-minikube|manusa/actions-setup-minikube|abslab|nolar/setup-k3d|balchua/microk8s|container-tools/kind-action|azure/setup-minikube)")
_NAMES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("rollback", re.compile(r"(?:^|[^a-z])(?:rollback|roll-back|undo|revert)(?:[^a-z]|\Z)")),
    ("smoke", re.compile(r"(?:^|[^a-z])(?:smoke|smoketest|health|healthcheck|healthz|e2e|acceptance|verify|probe|canary)(?:[^a-z]|\Z)")),
    ("benchmark", re.compile(r"(?:^|[^a-z])(?:bench|benchmark|benchmarks|perf|performance|loadtest|load-test)(?:[^a-z]|\Z)")),
    ("coverage", re.compile(r"(?:^|[^a-z])(?:cov|coverage)(?:[^a-z]|\Z)")),
    ("test", re.compile(r"(?:^|[^a-z])(?:test|tests|unittest|unit|spec|integration|coverage|runtests|e2e)(?:[^a-z]|\Z)")),
    ("lint", re.compile(r"(?:^|[^a-z])(?:lint|linter|format|fmt|typecheck|type-check|style|checkstyle)(?:[^a-z]|\Z)")),
    ("audit", re.compile(r"(?:^|[^a-z])audit(?:[^a-z]|\Z)")),
    ("license", re.compile(r"(?:^|[^a-z])licen[cs]es?(?:[^a-z]|\Z)")),
    ("notify", re.compile(r"(?:^|[^a-z])(?:notify|notification|slack)(?:[^a-z]|\Z)")),
    ("deploy", re.compile(r"(?:^|[^a-z])(?:deploy|deployment|redeploy)(?:[^a-z]|\Z)")),
)  # fmt: skip
_TASKS = frozenset("npm yarn pnpm bun make just task rake mage invoke inv composer deno nx turbo hatch poe pdm gulp grunt mise earthly dagger ./mill".split())
_INTERPRETERS = frozenset("bash sh zsh python python3 node ruby perl php deno bun pwsh source .".split())
_SCRIPT = re.compile(r"(?:^|/)[\w.-]{1,80}\.(?:sh|bash|py|js|mjs|ts|rb|pl|php|ps1)\Z|^\.{0,2}/[\w./-]{1,200}\Z")
_WAITS = ("--wait", "--atomic", "--rollback-on-failure")


def in_script(script: str) -> tuple[Deed, ...]:
    """The deeds of a script, in order."""
    found: list[Deed] = []
    testing = False
    for call in calls(script):
        testing = testing or (call.program in _CLUSTERS and bool({"create", "start"} & set(call.verbs)))
        found += _of_call(call)
    return (*found, Deed("cluster")) if testing else tuple(found)


def _of_call(call: Call) -> Iterator[Deed]:
    line = " ".join((call.program, *call.words))[:1200].replace("\n", " ")
    dry = any(word.startswith("--dry-run") and "none" not in word for word in call.words) or call.has("--server-dry-run")
    place = (call.start, call.end, call.text)
    named = _by_name(call)
    for kind, family, pattern, weak in _COMMANDS:
        if pattern.match(line) is None:
            continue
        if kind == "smoke" and call.program in ("curl", "wget") and _downloads(call):
            continue
        if kind == "test" and ("-DskipTests" in line or "skip.test" in line or " -x test" in line):
            continue
        if kind == "deploy" and (dry or call.has("--help", "--check") or _read_only(call)):
            yield Deed("lint", "", *place)
            continue
        yield Deed(kind, family, *place, weak)
        if kind == "deploy":
            yield from _kept_safe(call, family, place)
    if call.program == "ssh":
        for word in call.words:
            if " " in word:
                yield from (Deed(d.kind, d.family, *place, d.weak) for d in _remote(word))
    for kind in named:
        yield Deed(kind, "script", *place, kind == "deploy")


def _downloads(call: Call) -> bool:
    """Whether curl or wget fetches a file instead of asking a service."""
    if call.program == "wget":
        return "-qO-" not in call.words and not call.has("--spider")
    short = [word for word in call.words if word.startswith("-") and not word.startswith("--")]
    target = call.value("-o", "--output") or ""
    saves = any(word[-1:] in "oO" for word in short if len(word) > 1) or call.has("--output", "--remote-name")
    return (saves and target != "/dev/null") or call.text.rstrip().endswith("| sh")


def _remote(script: str) -> Iterator[Deed]:
    """What is done on the other machine; a compose file that is brought up there is a deployment."""
    for call in calls(script):
        line = " ".join((call.program, *call.words))[:1200]
        for kind, family, pattern, _ in _COMMANDS:
            if pattern.match(line) and kind in ("deploy", "rollback", "rollout", "smoke"):
                yield Deed(kind, family)


def _read_only(call: Call) -> bool:
    """Whether a kubectl command only prints: `kubectl apply view-last-applied`, `-o yaml` of nothing."""
    return "view-last-applied" in call.verbs or (call.program == "helm" and "plugin" in call.verbs)


def _kept_safe(call: Call, family: str, place: tuple[int, int, str]) -> Iterator[Deed]:
    """What a deployment does of itself: wait, and roll back."""
    if family == "helm" and (call.has(*_WAITS) or call.program == "helmfile"):
        yield Deed("rollout", family, *place)
    if family == "helm" and call.has("--atomic", "--rollback-on-failure"):
        yield Deed("rollback", family, *place)
    if family in ("platform", "infra", "argo") and "--no-wait" not in call.words and "--async" not in call.words:
        yield Deed("rollout", family, *place)
    if family == "argo" or call.program in ("skaffold", "werf", "kapp"):
        yield Deed("rollout", family, *place)
    if family == "swarm" and (call.has("--detach=false") or call.has("--update-failure-action")):
        yield Deed("rollout", family, *place)
    if call.value("--update-failure-action") == "rollback" or call.program == "werf":
        yield Deed("rollback", family, *place)


def _by_name(call: Call) -> Iterator[str]:
    """What the name of a task or a script says that it does."""
    names: list[str] = []
    if call.program in _TASKS:
        names = [word for word in call.verbs if word not in ("run", "run-script", "-C")][:3]
    elif call.program in _INTERPRETERS and call.verbs and _SCRIPT.search(call.verbs[0]):
        names = [call.verbs[0]]
    elif _SCRIPT.search(call.text.split()[0] if call.text.split() else "") or call.program.endswith((".sh", ".py")):
        names = [call.program, *call.verbs[:1]]
    seen = set()
    for name in names:
        for kind, pattern in _NAMES:
            if kind not in seen and len(name) < 200 and pattern.search(name.lower()):
                seen.add(kind)
                yield kind


# Prefix of `owner/repository[/path]` -> what the action does.
_ACTIONS: dict[str, tuple[str, ...]] = {
    "azure/webapps-deploy": ("deploy:platform", "rollout"),
    "azure/functions-action": ("deploy:platform", "rollout"),
    "azure/container-apps-deploy-action": ("deploy:platform", "rollout"),
    "azure/aci-deploy": ("deploy:platform", "rollout"),
    "azure/k8s-deploy": ("deploy:kubernetes", "rollout"),
    "azure/arm-deploy": ("deploy:infra", "rollout"),
    "aws-actions/amazon-ecs-deploy-task-definition": ("deploy:ecs",),
    "aws-actions/aws-cloudformation-github-deploy": ("deploy:infra", "rollout"),
    "google-github-actions/deploy-cloudrun": ("deploy:platform", "rollout"),
    "google-github-actions/deploy-appengine": ("deploy:platform", "rollout"),
    "google-github-actions/deploy-cloud-functions": ("deploy:platform", "rollout"),
    "google-github-actions/create-cloud-deploy-release": ("deploy:platform", "rollout", "gradual"),
    "akhileshns/heroku-deploy": ("deploy:platform", "rollout"),
    "amondnet/vercel-action": ("deploy:platform", "rollout"),
    "cloudflare/wrangler-action": ("deploy:platform", "rollout"),
    "digitalocean/app_action": ("deploy:platform", "rollout"),
    "deliverybot/helm": ("deploy:helm",),
    "appleboy/ssh-action": ("ssh",),
    "appleboy/scp-action": ("deploy:ssh?",),
    "easingthemes/ssh-deploy": ("deploy:ssh?",),
    "burnett01/rsync-deployments": ("deploy:ssh?",),
    "koyeb/action-git-deploy": ("deploy:platform", "rollout"),
    "bervproject/railway-deploy": ("deploy:platform", "rollout"),
    "einaregilsson/beanstalk-deploy": ("deploy:platform", "rollout"),
    "actions-hub/kubectl": (),
    "cypress-io/github-action": ("test",),
    "actions/dependency-review-action": ("audit", "license"),
    "aquasecurity/trivy-action": ("trivy",),
    "aquasecurity/tfsec": ("analysis",),
    "anchore/scan-action": ("image-scan",),
    "docker/scout-action": ("image-scan",),
    "azure/container-scan": ("image-scan",),
    "crazy-max/ghaction-container-scan": ("image-scan",),
    "snyk/actions/docker": ("image-scan",),
    "snyk/actions/iac": ("analysis",),
    "snyk/actions": ("audit",),
    "pypa/gh-action-pip-audit": ("audit",),
    "google/osv-scanner-action": ("audit",),
    "rustsec/audit-check": ("audit",),
    "actions-rs/audit-check": ("audit",),
    "actions-rust-lang/audit": ("audit",),
    "embarkstudios/cargo-deny-action": ("audit", "license"),
    "golang/govulncheck-action": ("audit",),
    "dependency-check/dependency-check_action": ("audit",),
    "super-linter/super-linter": ("lint",),
    "github/super-linter": ("lint",),
    "oxsecurity/megalinter": ("lint",),
    "golangci/golangci-lint-action": ("lint",),
    "pre-commit/action": ("lint",),
    "hadolint/hadolint-action": ("lint",),
    "astral-sh/ruff-action": ("lint",),
    "chartboost/ruff-action": ("lint",),
    "psf/black": ("lint",),
    "wearerequired/lint-action": ("lint",),
    "reviewdog": ("lint",),
    "actions-rs/clippy-check": ("lint",),
    "gitleaks/gitleaks-action": ("secret-scan",),
    "zricethezav/gitleaks-action": ("secret-scan",),
    "trufflesecurity/trufflehog": ("secret-scan",),
    "gitguardian/ggshield": ("secret-scan",),
    "github/codeql-action/analyze": ("analysis",),
    "returntocorp/semgrep-action": ("analysis",),
    "semgrep/semgrep-action": ("analysis",),
    "sonarsource": ("analysis",),
    "securego/gosec": ("analysis",),
    "bridgecrewio/checkov-action": ("analysis",),
    "veracode": ("analysis",),
    "checkmarx": ("analysis",),
    "fossas/fossa-action": ("license",),
    "fossa-contrib/fossa-action": ("license",),
    "apache/skywalking-eyes": ("license",),
    "codecov/codecov-action": ("coverage",),
    "coverallsapp/github-action": ("coverage",),
    "paambaati/codeclimate-action": ("coverage",),
    "benchmark-action/github-action-benchmark": ("benchmark",),
    "grafana/k6-action": ("benchmark",),
    "grafana/run-k6-action": ("benchmark",),
    "treosh/lighthouse-ci-action": ("benchmark",),
    "codspeedhq/action": ("benchmark",),
    "slackapi/slack-github-action": ("notify",),
    "8398a7/action-slack": ("notify",),
    "rtcamp/action-slack-notify": ("notify",),
    "ravsamhq/notify-slack-action": ("notify",),
    "act10ns/slack": ("notify",),
    "sarisia/actions-status-discord": ("notify",),
    "ilshidur/action-discord": ("notify",),
    "dawidd6/action-send-mail": ("notify",),
    "appleboy/telegram-action": ("notify",),
    "appleboy/discord-action": ("notify",),
    "skitionek/notify-microsoft-teams": ("notify",),
    "docker/build-push-action": ("image",),
    "docker/bake-action": ("image",),
    "redhat-actions/buildah-build": ("build",),
    "redhat-actions/push-to-registry": ("push",),
    "actions/attest-sbom": ("sbom",),
    "anchore/sbom-action": ("sbom",),
    "actions/attest-build-provenance": ("sign",),
    "actions/attest": ("sign",),
    "jtalk/url-health-check-action": ("smoke",),
    "juliangruber/await-http-action": ("smoke",),
}


def of_action(name: str, options: Mapping[str, Any]) -> tuple[Deed, ...]:
    """The deeds of an action by its name (`owner/repository/path`, lower case) and its inputs."""
    if _CLUSTER_ACTIONS.match(name):
        return (Deed("cluster"),)
    parts = name.split("/")
    told = next(
        (_ACTIONS[key] for key in ("/".join(parts[:n]) for n in (3, 2, 1)) if key in _ACTIONS), ()
    )
    found: list[Deed] = []
    for word in told:
        found += _special(word, name, options)
    if name == "aws-actions/amazon-ecs-deploy-task-definition" and _yes(options.get("wait-for-service-stability")):
        found.append(Deed("rollout", "ecs"))
    return tuple(found)


def _special(word: str, name: str, options: Mapping[str, Any]) -> list[Deed]:
    if word == "trivy":
        kind = str(options.get("scan-type", "image"))
        return [Deed({"config": "analysis", "image": "image-scan"}.get(kind, "audit"))]
    if word == "image":
        found = [Deed("build")]
        push = str(options.get("push", "")).lower()
        if push not in ("", "false") or "type=registry" in str(options.get("outputs", "")):
            found.append(Deed("push"))
        if "," in str(options.get("platforms", "")):
            found.append(Deed("platforms"))
        if _yes(options.get("sbom")):
            found.append(Deed("sbom"))
        return found
    if word == "ssh":
        script = options.get("script")
        inner = list(_remote(script)) if isinstance(script, str) else []
        return [Deed("deploy", "ssh", weak=True), *inner]
    kind, _, family = word.partition(":")
    return [Deed(kind, family.rstrip("?"), weak=family.endswith("?"))]


def _yes(value: Any) -> bool:
    return str(value).lower() == "true"
