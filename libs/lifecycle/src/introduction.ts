import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { declareRules, directoryLookup, directorySnapshot, type DirectoryPage } from '#libs/contracts';
import { faultOf, Log, ServiceClient } from '#libs/broker';
import { UserLookup } from '#libs/database';
import { sql } from 'kysely';
import { learn, tellable } from './people.js';
import { RuleSet } from './rule-set.js';

const PAGE = 1_000;
const RETRY_AFTER = [200, 500, 1_000, 2_000, 5_000];
/** A restored or rebuilt identity learns the rules again before long. */
const REPEAT_AFTER = 300_000;

/**
 * Introduces the service to identity when it starts: tells its rules, so that departures wait for its answer, and, when
 * it is new, knows nobody yet or has an older database again, asks who is there. Only then are those who had left before brought to it: who takes over
 * from them is looked up in the directory.
 */
@Injectable()
export class Introduction implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer?: NodeJS.Timeout;
  private stopped = false;
  private readonly first = Promise.withResolvers<void>();
  /** Whether identity counts on this service by now. */
  done = false;

  constructor(
    private readonly em: EntityManager,
    private readonly rules: RuleSet,
    private readonly client: ServiceClient,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    void this.introduce(0);
  }

  beforeApplicationShutdown(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.first.resolve();
  }

  /** Waits until identity has been asked once, whether or not it was there. */
  attempted(): Promise<void> {
    return this.first.promise;
  }

  private async introduce(attempt: number): Promise<void> {
    const next = await this.tell().then(
      () => ({ attempt: 0, after: REPEAT_AFTER }),
      (error: unknown) => {
        this.log.warn({ attempt, ...faultOf(error) }, 'identity does not know our rules yet');
        return { attempt: attempt + 1, after: RETRY_AFTER[Math.min(attempt, RETRY_AFTER.length - 1)]! };
      },
    );
    this.first.resolve();
    if (!this.stopped) this.timer = setTimeout(() => void this.introduce(next.attempt), next.after).unref();
  }

  private async tell(): Promise<void> {
    const declaration = { service: this.rules.service, rules: this.rules.describe() };
    const { joining } = await this.client.ask(declareRules, declaration);
    if (joining || (!this.done && (await this.knowsNobody()))) await this.meetEverybody();
    if (joining) await this.client.ask(declareRules, { ...declaration, acquainted: true });
    this.done = true;
  }

  private async knowsNobody(): Promise<boolean> {
    const { rows } = await sql`select 1 from directory limit 1`.execute(this.em.fork().getKysely());
    return rows.length === 0;
  }

  private async meetEverybody(): Promise<void> {
    let page: DirectoryPage | undefined;
    do {
      page = await this.client.ask(directorySnapshot, { after: page?.next ?? null, limit: PAGE });
      const { people } = page;
      await this.em.fork().transactional(async (em) => {
        const db = em.getKysely();
        await learn(db, await tellable(db, people));
      });
    } while (page.next);
  }
}

/** Asks identity about people whose first event has not arrived yet, and remembers the answer. */
@Injectable()
export class IdentityLookup extends UserLookup {
  constructor(
    private readonly em: EntityManager,
    private readonly client: ServiceClient,
  ) {
    super();
  }

  async introduce(accountId: string, userIds: string[]): Promise<void> {
    const { people } = await this.client.ask(directoryLookup, { accountId, userIds });
    await learn(this.em.getKysely(), people);
  }
}
