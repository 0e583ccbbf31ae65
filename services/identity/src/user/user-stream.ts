import {
  jetstreamManager,
  JetStreamApiError,
  type JetStreamManager,
  type SeqMsgRequest,
  type StoredMsg,
} from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { Inject, Injectable } from '@nestjs/common';
import { Publisher, STREAMS, USERS, type MessageToPublish } from '#libs/broker';
import { allOfUser, decodeUserEvent, type UserEvent } from '#libs/contracts';
import { assertNoOpenTransaction } from '#libs/database';

const NO_STREAM = 10059;
const MAX_CONCURRENT_USERS = 50;

type Streams = JetStreamManager['streams'];

/** The broker has not confirmed every event. */
export class UnconfirmedUserEvents extends Error {}

/** The stream of user events on the broker. */
@Injectable()
export class UserStream {
  constructor(
    @Inject(STREAMS) private readonly nats: NatsConnection,
    private readonly publisher: Publisher,
  ) {}

  /**
   * Publishes each event and then deletes the earlier ones of its user. At no time is a user without an event.
   * @param idOf the message id: the same for a repetition
   * @throws UnconfirmedUserEvents
   */
  async replace(events: readonly UserEvent[], idOf: (event: UserEvent) => string): Promise<void> {
    if (events.length === 0) return;
    const sequences = await this.publisher.publishNumbered(
      USERS,
      events.map((event) => toMessage(event, idOf(event))),
    );
    const stored = events.flatMap(({ data: { accountId, userId } }, index) => {
      const sequence = sequences[index];
      return sequence === undefined ? [] : [{ filter: allOfUser(accountId, userId), seq: sequence }];
    });
    await this.forEach(stored, async (streams, before) => void (await streams.purge(USERS.name, before)));
    if (stored.length < events.length) throw new UnconfirmedUserEvents();
  }

  /** Publishes events once more. @throws UnconfirmedUserEvents */
  async repeat(events: readonly UserEvent[], idOf: (event: UserEvent) => string): Promise<void> {
    const sequences = await this.publisher.publishNumbered(
      USERS,
      events.map((event) => toMessage(event, idOf(event))),
    );
    if (sequences.includes(undefined)) throw new UnconfirmedUserEvents();
  }

  /** Deletes the events of these users that are older than `seq`. Newer ones stay for subscribers that are offline. */
  async purgeBefore(people: readonly { account_id: string; user_id: string; seq: number }[]): Promise<void> {
    await this.forEach(people, async (streams, { account_id, user_id, seq }) => {
      const filter = allOfUser(account_id, user_id);
      const position = await positionOf(streams, filter, seq);
      await streams.purge(USERS.name, position === undefined ? { filter } : { filter, seq: position });
    });
  }

  /** When the stream was created, in ISO 8601; a broker that has lost its data creates it again. Undefined if it is missing. */
  async createdAt(): Promise<string | undefined> {
    try {
      const { created } = await (await this.streams()).info(USERS.name);
      return created;
    } catch (error) {
      if (isMissingStream(error)) return undefined;
      throw error;
    }
  }

  private async forEach<T>(items: readonly T[], work: (streams: Streams, item: T) => Promise<void>): Promise<void> {
    if (items.length === 0) return;
    const streams = await this.streams();
    for (let from = 0; from < items.length; from += MAX_CONCURRENT_USERS)
      await Promise.all(
        items.slice(from, from + MAX_CONCURRENT_USERS).map((item) =>
          work(streams, item).catch((error: unknown) => {
            if (!isMissingStream(error)) throw error;
          }),
        ),
      );
  }

  private async streams(): Promise<Streams> {
    assertNoOpenTransaction('manage user events');
    const { streams } = await jetstreamManager(this.nats, { checkAPI: false, timeout: 5_000 });
    return streams;
  }
}

const toMessage = (event: UserEvent, id: string): MessageToPublish => ({
  subject: event.subject,
  id,
  data: JSON.stringify(event),
});

/** The position of the user's first event that is not older than `seq`. Undefined if all of them are older. */
async function positionOf(streams: Streams, filter: string, seq: number): Promise<number | undefined> {
  let from = 1;
  for (;;) {
    const next: SeqMsgRequest & { next_by_subj: string } = { seq: from, next_by_subj: filter };
    const message = await streams.getMessage(USERS.name, next);
    if (!message || seqOf(message) >= seq) return message?.seq;
    from = message.seq + 1;
  }
}

/** A message that is not a user event counts as older than all events. */
function seqOf(message: StoredMsg): number {
  try {
    return decodeUserEvent(message.data).data.seq;
  } catch {
    return 0;
  }
}

const isMissingStream = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === NO_STREAM;
