import { Injectable } from '@nestjs/common';
import type { DepartureFacts } from '#libs/contracts';
import { digestOf } from '../common/identifier-digest.js';
import { FormerIdentifiers } from './former-identifiers.js';

/** What a deleted user is and was called. */
export interface Digests {
  address: string | null;
  /** Of everything else. */
  identifiers: readonly string[];
}

/**
 * The digests by which services recognise what deleted users are and were called. Identity keeps them until every service
 * has confirmed the deletion, and gives them to services that ask. They are no part of the events.
 */
@Injectable()
export class LeaverDigests {
  constructor(private readonly former: FormerIdentifiers) {}

  /** By user. Call it in the transaction of the deletions, before the users are redacted. */
  async of(
    decisions: readonly { user: { id: string; email: string | null } }[],
    facts: ReadonlyMap<string, DepartureFacts>,
  ): Promise<Map<string, Digests>> {
    const identifiers = await this.former.of(decisions.map(({ user }) => user.id));
    return new Map(
      decisions.map(({ user: { id, email } }) => {
        const { id: departureId } = facts.get(id)!;
        const others = (identifiers.get(id) ?? []).map((identifier) => digestOf(departureId, identifier));
        return [id, { address: email ? digestOf(departureId, email) : null, identifiers: others }];
      }),
    );
  }
}
