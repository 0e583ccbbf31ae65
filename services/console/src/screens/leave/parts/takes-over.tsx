import { leave as texts } from '../../../texts/leave';
import { DEFAULT, type Preview } from '../plan/choices';
import type { Choosing } from '../plan/choosing';
import { WhoButton } from './who';

const { choose } = texts;

/** The default of all rows: the first admin, unless somebody is named. */
export function TakesOver({ preview, choosing }: { preview?: Preview; choosing: Choosing }) {
  const named = preview?.successors.named?.find(({ rule }) => rule === DEFAULT);
  const receiver = named?.teamId
    ? { successorTeamId: named.teamId }
    : { successorId: named?.users[0]?.id ?? preview?.successors.firstAdminId ?? undefined };
  return (
    <section className="panel default-who" aria-labelledby="takes-over">
      <div>
        <h2 id="takes-over">{choose.takesOver}</h2>
        <p>{choose.takesOverAbout}</p>
      </div>
      <WhoButton
        {...receiver}
        label={choose.takesOver}
        isDefault={!named}
        onClick={() => choosing.askWho(DEFAULT, choose.takesOver)}
      />
    </section>
  );
}
