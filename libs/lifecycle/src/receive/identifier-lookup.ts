import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import { directoryLookup, type AddressDigest, type IdentifierDigests, type UserEvent } from '#libs/contracts';

/** Digests of what a user who is being deleted was called. */
export interface LeaverDigests {
  address?: AddressDigest;
  identifiers: readonly IdentifierDigests[];
}

/** By user. */
export type DigestsByUser = ReadonlyMap<string, LeaverDigests>;

/**
 * Finds the digests of the identifiers of deleted users. Events do not carry them, because subscribers could try out
 * identifiers.
 */
export abstract class IdentifierLookup {
  /**
   * Call it before the transaction.
   * @throws Problem `service-unavailable`, a transient failure: the events are delivered again
   */
  abstract of(events: readonly UserEvent[]): Promise<DigestsByUser>;
}

/** Asks identity. */
@Injectable()
export class IdentityDigests extends IdentifierLookup {
  constructor(private readonly client: ServiceClient) {
    super();
  }

  override async of(events: readonly UserEvent[]): Promise<DigestsByUser> {
    const accounts = Map.groupBy(
      events.filter(({ data }) => data.departure?.hasAddress),
      ({ data }) => data.accountId,
    );
    const answers = await Promise.all(
      [...accounts].map(([accountId, its]) => this.ask(accountId, [...new Set(its.map(({ data }) => data.userId))])),
    );
    return new Map(answers.flat());
  }

  /** Asks again as long as an answer has no room for all users. Each answer has room for at least one. */
  private async ask(accountId: string, userIds: string[]): Promise<[string, LeaverDigests][]> {
    const found: [string, LeaverDigests][] = [];
    for (let open = userIds; open.length > 0;) {
      const { people } = await this.client.ask(directoryLookup, { accountId, userIds: open });
      const leftOut = new Set(people.filter((one) => one.identifiersLeftOut).map(({ userId }) => userId));
      for (const { userId, address, identifiers = [] } of people)
        if (!leftOut.has(userId)) found.push([userId, { ...(address && { address }), identifiers }]);
      open = leftOut.size < open.length ? open.filter((id) => leftOut.has(id)) : [];
    }
    return found;
  }
}
