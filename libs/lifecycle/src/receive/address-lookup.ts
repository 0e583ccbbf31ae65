import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import { directoryLookup, type UserEvent } from '#libs/contracts';

/** Digests of the addresses of users who are being deleted, by departure. */
export type AddressDigests = ReadonlyMap<string, string>;

/**
 * Finds the digests of the addresses of deleted users. Events do not carry them, because subscribers could try out
 * addresses.
 */
export abstract class AddressLookup {
  /**
   * Call it before the transaction.
   * @throws Problem `service-unavailable`, a transient failure: the events are delivered again
   */
  abstract of(events: readonly UserEvent[]): Promise<AddressDigests>;
}

/** Asks identity. */
@Injectable()
export class IdentityAddresses extends AddressLookup {
  constructor(private readonly client: ServiceClient) {
    super();
  }

  override async of(events: readonly UserEvent[]): Promise<AddressDigests> {
    const asked = events.filter(({ data }) => data.departure?.hasAddress);
    const accounts = Map.groupBy(asked, ({ data }) => data.accountId);
    const answers = await Promise.all(
      [...accounts].map(([accountId, its]) =>
        this.client.ask(directoryLookup, { accountId, userIds: its.map(({ data }) => data.userId) }),
      ),
    );
    const people = answers.flatMap((answer) => answer.people);
    return new Map(people.flatMap(({ address }) => (address ? [[address.departureId, address.digest]] : [])));
  }
}
