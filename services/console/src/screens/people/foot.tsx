import { zoneText } from '../../texts/dates';
import { people as texts } from '../../texts/people';

/** How many are shown, and whose time the times are. */
export function Foot({ count, isComplete }: { count: number; isComplete: boolean }) {
  return (
    <>
      <span role="status">{isComplete ? texts.shown(count) : texts.shownSoFar(count)}</span>
      {!isComplete && count > 0 && <span>{texts.more}</span>}
      <span className="push">{texts.zone(zoneText())}</span>
    </>
  );
}
