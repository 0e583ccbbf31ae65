import { Callout } from '../../../components/callout';
import { leave as texts } from '../../../texts/leave';
import { serviceName } from '../../../texts/services';
import type { Preview } from '../plan/choices';

/** Services that did not answer, and that destroy nothing. */
export function Uncounted({ services }: { services: Preview['uncounted'] }) {
  if (services.length === 0) return null;
  const names = texts.listed(services.map(({ service }) => serviceName(service)));
  return (
    <Callout kind="warn" live>
      {texts.choose.uncounted(names)}
    </Callout>
  );
}
