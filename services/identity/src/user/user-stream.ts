import { jetstreamManager, JetStreamApiError } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Inject, Injectable } from '@nestjs/common';
import { NATS, USERS } from '#libs/broker';
import { allOfUser } from '#libs/contracts';
import { assertNoOpenTransaction } from '#libs/database';

const NO_STREAM = 10059;
const MAX_CONCURRENT_PURGES = 50;

/** The stream of user events on the broker. */
@Injectable()
export class UserStream {
  constructor(@Inject(NATS) private readonly nats: NatsConnection) {}

  /**
   * Deletes all events of these users from the stream. The relay publishes events again that a service has not
   * answered.
   */
  async purge(people: readonly { account_id: string; user_id: string }[]): Promise<void> {
    if (people.length === 0) return;
    assertNoOpenTransaction('purge user events');
    const { streams } = await jetstreamManager(this.nats, { checkAPI: false, timeout: 5_000 });
    for (let from = 0; from < people.length; from += MAX_CONCURRENT_PURGES) {
      const some = people.slice(from, from + MAX_CONCURRENT_PURGES);
      await Promise.all(
        some.map((one) =>
          streams.purge(USERS.name, { filter: allOfUser(one.account_id, one.user_id) }).catch(ignoreMissingStream),
        ),
      );
    }
  }
}

function ignoreMissingStream(error: unknown): void {
  if (!(error instanceof JetStreamApiError && error.code === NO_STREAM)) throw error;
}
