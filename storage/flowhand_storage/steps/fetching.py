"""What all fetching steps share: a checkout that stays while the run is there, and a link to it where a name is expected."""

from __future__ import annotations

from flowhand_storage.objects.pulled import point
from flowhand_storage.paths import inside
from flowhand_storage.source import Source
from flowhand_storage.steps.progress import StepRun


def fetch(run: StepRun, source: Source, link: str | None = None) -> str:
    """The folder with the files of `source`. `link` is a name in the run's folder under which they are found as well."""
    checkout = run.context.store.checkout(source)
    run.progress.leases.append(checkout.lease)
    run.log(f"{source.label} is at revision {checkout.revision[:12]}")
    if link is not None:
        point(inside(run.context.folder, link), checkout.path)
    return str(checkout.path)
