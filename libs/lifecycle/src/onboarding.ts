import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { declareRulesOf, directoryLookup, directorySnapshot, type DirectoryPage } from '#libs/contracts';
import { ServiceClient } from '#libs/broker';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { UserLookup, type CurrentUser, type NamedUsers } from '#libs/database';
import { sql } from 'kysely';
import { upsertDirectory, withoutPendingDeletions } from './inbox/directory-rows.js';
import { RuleSet } from './run/rule-set.js';

const PAGE = 1_000;
/** Users named in one request. Request and answer stay below the broker's limit of 1 MB for a message. */
const MAX_NAMED = 500;
/** Short at first: services that start together wait for identity, and departures wait for their rules. */
const ERROR_DELAYS_MS = [200, 500, 1_000, 2_000, 5_000];
/** Repeated so that a restored identity gets the rules again. */
const REPEAT_MS = 300_000;

/**
 * Declares the service's rules to identity at start, so that departures wait for its receipt. A service that is new, has an
 * empty directory or has been restored from a backup then loads the directory from identity. Identity sends it earlier
 * departures only after that, because their successors are looked up in the directory.
 */
@Injectable()
export class Onboarding extends StepWorker {
  /** Shutdown does not wait: the next process repeats an interrupted declaration, and identity may be down for long. */
  protected override shutdownTimeoutMs = 0;
  private readonly first = Promise.withResolvers<void>();
  /** Whether identity has accepted the declaration. */
  done = false;

  constructor(
    private readonly em: EntityManager,
    private readonly rules: RuleSet,
    private readonly client: ServiceClient,
    context: WorkerContext,
  ) {
    super(context, { name: 'onboarding', pollMs: REPEAT_MS, errorDelaysMs: ERROR_DELAYS_MS });
  }

  override async beforeApplicationShutdown(): Promise<void> {
    this.first.resolve();
    await super.beforeApplicationShutdown();
  }

  /** Waits for the end of the first declaration, whether it succeeded or failed. */
  firstAttempt(): Promise<void> {
    return this.first.promise;
  }

  protected override async step(): Promise<boolean> {
    await this.declare().finally(() => this.first.resolve());
    return false;
  }

  private async declare(): Promise<void> {
    const { service } = this.rules;
    const declaration = { service, rules: this.rules.describe() };
    const { joining } = await this.client.ask(declareRulesOf(service), declaration);
    if (joining || (!this.done && (await this.isDirectoryEmpty()))) await this.loadDirectory();
    if (joining) await this.client.ask(declareRulesOf(service), { ...declaration, acquainted: true });
    this.done = true;
  }

  private async isDirectoryEmpty(): Promise<boolean> {
    const { rows } = await sql`select 1 from directory limit 1`.execute(this.em.fork().getKysely());
    return rows.length === 0;
  }

  private async loadDirectory(): Promise<void> {
    let page: DirectoryPage | undefined;
    do {
      page = await this.client.ask(directorySnapshot, { after: page?.next ?? null, limit: PAGE });
      const { people } = page;
      await this.em.fork().transactional(async (em) => {
        const db = em.getKysely();
        await upsertDirectory(db, await withoutPendingDeletions(db, people));
      });
    } while (page.next);
  }
}

/** Asks identity about users whose events may not have arrived yet. */
@Injectable()
export class IdentityLookup extends UserLookup {
  constructor(
    private readonly em: EntityManager,
    private readonly client: ServiceClient,
  ) {
    super();
  }

  async load(accountId: string, userIds: string[]): Promise<void> {
    const { people } = await this.client.ask(directoryLookup, { accountId, userIds });
    await upsertDirectory(this.em.getKysely(), people);
  }

  async current(accountId: string, { userIds = [], staffIds = [] }: NamedUsers): Promise<CurrentUser[]> {
    const found: CurrentUser[] = [];
    for (let n = 0; n === 0 || n < Math.max(userIds.length, staffIds.length); n += MAX_NAMED) {
      const [ids, staff] = [userIds.slice(n, n + MAX_NAMED), staffIds.slice(n, n + MAX_NAMED)];
      const { people } = await this.client.ask(directoryLookup, { accountId, userIds: ids, staffIds: staff });
      for (const { userId, lifecycleVersion, profile } of people) {
        const { staffId, status, teamIds } = profile;
        found.push({ userId, staffId, status, lifecycleVersion, teamIds });
      }
    }
    return found;
  }
}
