import type { Telling, UserEvent } from '#libs/contracts';
import type { Db } from '../declare/where.js';

/** A leaver whose contacts are to be told. */
export interface TellingLeaver extends Telling {
  accountId: string;
  userId: string;
  departureId: string;
  lifecycleVersion: number;
}

/**
 * Records whom to tell that somebody leaves. Runs in the transaction that applies the decision, under the exclusive lock on the
 * leaver and before the rules, which may delete the conversations. It may run again for the same decision.
 */
export abstract class ContactNotices {
  abstract record(db: Db, leavers: readonly TellingLeaver[], now: Date): Promise<void>;
}

export const tellingIn = (events: readonly UserEvent[]): TellingLeaver[] =>
  events.flatMap(({ data: { accountId, userId, lifecycleVersion, departure } }) =>
    departure?.tellContacts
      ? [{ ...departure.tellContacts, accountId, userId, lifecycleVersion, departureId: departure.id }]
      : [],
  );
