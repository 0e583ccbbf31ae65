import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { USERS } from '#libs/broker';
import type { UserEvent } from '#libs/contracts';
import { isPast, StepWorker, WorkerContext } from '#libs/jobs';
import { sql } from 'kysely';
import { UserStream } from '../../../user/user-stream.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import type { DepartureRow } from '../../store/departure-row.js';
import { Tombstones } from '../../track/tombstones.js';
import { RepeatedEvents } from '../repeated-events.js';

const POLL_MS = 30_000;
/** After a crash another replica takes over when the lease ends. */
const LEASE_MS = 60_000;
const PAGE = 500;

/**
 * Publishes the decisions again that a broker has lost with its data: the newest one about each user, as far back as the
 * stream keeps events. Subscribers have no other source. The outbox publishes what services have not answered.
 */
@Injectable()
export class StreamRefillWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly stream: UserStream,
    private readonly departures: DepartureQueries,
    private readonly repeated: RepeatedEvents,
    private readonly tombstones: Tombstones,
    context: WorkerContext,
  ) {
    super(context, { name: 'stream-refill', pollMs: POLL_MS });
  }

  protected async step(): Promise<boolean> {
    const created = await this.stream.createdAt();
    if (!created || !(await this.claim(created))) return false;
    const since = new Date(this.clock.millis() - USERS.maxAge);
    let published = 0;
    let after: string | null = null;
    do {
      const page = await this.pageOf(since, after);
      await this.stream.repeat(
        page.events,
        ({ data: { departure } }) => `${departure!.id}.${departure!.round}.${created}`,
      );
      published += page.events.length;
      after = page.next;
    } while (after && !this.stopping);
    if (after) return false;
    await sql`update user_stream set created = ${created}, look_after = '-infinity' where name = ${USERS.name}`.execute(
      this.db,
    );
    this.log.warn(
      { events: published },
      'the broker has lost its data; published the decisions of the last week again',
    );
    return false;
  }

  /** @returns whether this replica has to fill a stream that was created anew. The first stream ever seen needs no refill. */
  private async claim(created: string): Promise<boolean> {
    const { rows } = await sql<{ refill: boolean }>`
      insert into user_stream as s (name, created) values (${USERS.name}, ${created})
      on conflict (name) do update set look_after = ${new Date(this.clock.millis() + LEASE_MS)}
        where s.created <> excluded.created and ${isPast(this.clock.now(), 's.look_after', LEASE_MS)}
      returning s.created <> ${created} as refill`.execute(this.db);
    return rows[0]?.refill ?? false;
  }

  private async pageOf(since: Date, after: string | null): Promise<{ events: UserEvent[]; next: string | null }> {
    return this.em.fork().transactional(async () => {
      const page = await this.departures.concludedSince(since, after, PAGE);
      const isDeletion = ({ transition, status }: DepartureRow) => transition === 'deleted' && status === 'completed';
      const events = [
        ...(await this.tombstones.of(page.filter(isDeletion))),
        ...(await this.repeated.of(page.filter((departure) => !isDeletion(departure)))),
      ];
      return { events, next: page.length === PAGE ? page.at(-1)!.id : null };
    });
  }

  private get db() {
    return this.em.fork().getKysely();
  }
}
