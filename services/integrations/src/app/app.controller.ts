import { EntityManager, type ObjectQuery } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { sql } from 'kysely';
import { apps, Problem, type AppChanges, type Call, type ListQuery, type NewApp, type NoBody } from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { plainResource, Encryption } from '#libs/platform';
import { Deliveries } from '../webhook/deliveries.js';
import { App, type AppRow } from './app.entity.js';

const base = plainResource(apps, {
  entity: App,
  shown: ['appId', 'shared', 'status', 'createdAt', 'uninstalledAt'],
  people: ['installedBy'],
  mine: 'installedBy',
  team: () => ({ shared: true }),
});

@Controller()
export class AppController extends base {
  constructor(
    em: EntityManager,
    directory: Directory,
    ids: Ids,
    clock: Clock,
    private readonly encryption: Encryption,
    private readonly deliveries: Deliveries,
  ) {
    super(em, directory, ids, clock);
  }

  override async prepare({ body, principal }: Call): Promise<Partial<AppRow>> {
    const { appId, installedBy = principal.userId, shared = false, accessToken } = body as NewApp;
    if (shared) await this.lockManagers(principal.accountId, installedBy);
    return {
      appId,
      installedBy,
      shared,
      status: 'installed',
      accessToken: accessToken === undefined ? null : this.encryption.encrypt(accessToken, principal.accountId),
      createdAt: this.clock.now(),
    };
  }

  override async insert(call: Pick<Call, 'principal'>, values: Partial<AppRow>): Promise<AppRow> {
    const app = await super.insert(call, values);
    const { id, appId, shared, installedBy } = app;
    await this.deliveries.announce(app.accountId, 'app.installed', { id, appId, shared, installedBy });
    return app;
  }

  override async change(app: AppRow, call: Call<AppChanges>): Promise<void> {
    if (app.status === 'uninstalled') throw new Problem('conflict', { detail: 'This app has been uninstalled.' });
    await super.change(app, call);
  }

  override filter(call: Call<NoBody, ListQuery>): ObjectQuery<AppRow> {
    return { status: 'installed', ...super.filter(call) };
  }

  /**
   * When a manager leaves, the rule covers every shared app installed before. The locks order an installation against
   * departures: a departure waits for it, or the app gets a later creation time. The installer is locked in the same
   * order of ids to avoid deadlocks.
   */
  private async lockManagers(accountId: string, installedBy: string): Promise<void> {
    await sql`
      select 1 from directory
      where account_id = ${accountId} and ((is_manager and status = 'active') or user_id = ${installedBy})
      order by user_id for key share`.execute(this.em.getKysely());
  }
}
