import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { NATS, type ServiceClient } from '#libs/broker';
import { accountsCreate, NOBODY, type Principal } from '#libs/contracts';
import { startService, type RunningService } from '#libs/platform';
import { clientOf } from '#libs/platform/testing';
import { serviceKeys } from '#libs/test-kit';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Type } from '@nestjs/common';
import { sql } from 'kysely';
import { IdentityConfig } from '../../services/identity/src/identity.config.js';
import { IdentityModule } from '../../services/identity/src/identity.module.js';
import { migrations } from '../../services/identity/src/migrations/migrations.js';
import { personSql } from './people.js';
import { emptyStreams } from './participant.js';
import { withNats, type Stage } from './stage.js';

export const OWNER = { name: 'Olive', email: 'olive@example.com', password: 'correct horse battery' };
/** A service that never answers, so that events stay in the outbox, as they do while services are busy. */
const SILENT = 'silent';
const SILENT_RULE = { id: `${SILENT}.rows`, service: SILENT, label: 'Rows', position: 0, fixed: true, transitions: {} };

/** The whole identity service on its own database, with an account that has many users. */
export class Identity {
  private constructor(
    readonly service: RunningService,
    /** Calls identity as the gateway does. */
    readonly gateway: ServiceClient,
    readonly owner: Principal,
  ) {}

  static async start(stage: Stage, people: number): Promise<Identity> {
    await withNats(stage, emptyStreams);
    const template = await stage.template('identity', migrations, []);
    const { url } = await template.copy();
    const env = {
      DATABASE_URL: url,
      NATS_URL: stage.natsUrl,
      LOG_LEVEL: 'silent',
      PORT: '0',
      HOST: '127.0.0.1',
      ...serviceKeys('identity'),
      LEAVER_SECRET: 'a-secret-for-measures-that-is-long-enough',
    };
    const service = await startService({ name: 'identity', module: IdentityModule, config: IdentityConfig, env });
    const body = { name: 'Acme', seats: people + 10, owner: { ...OWNER, staffId: 'S0' } };
    const nats = service.app.get<NatsConnection>(NATS, { strict: false });
    const gateway = clientOf(nats, 'gateway');
    const { account, user } = await gateway.call(accountsCreate, { principal: NOBODY, body });
    const identity = new Identity(service, gateway, { accountId: account.id, userId: user.id, roles: user.roles });
    await identity.fill(account.id, people);
    return identity;
  }

  get<T>(type: Type<T>): T {
    return this.service.app.get(type, { strict: false });
  }

  /** Runs work without a transaction, like the preparation of a call. */
  preparation<T>(work: () => Promise<T>): Promise<T> {
    return RequestContext.create(this.get(EntityManager as unknown as Type<EntityManager>), work);
  }

  /** Runs work in a transaction, like a call from the gateway. */
  transaction<T>(work: () => Promise<T>): Promise<T> {
    const em = this.get(EntityManager);
    return RequestContext.create(em, () => em.transactional(work));
  }

  private async fill(accountId: string, people: number): Promise<void> {
    await this.transaction(async () => {
      const db = this.get(EntityManager as unknown as Type<EntityManager>).getKysely();
      await sql`insert into service_rules (service, rules) values (${SILENT}, ${JSON.stringify([SILENT_RULE])}::jsonb)`.execute(
        db,
      );
      await sql`
        insert into users (id, account_id, name, email, status, seq, seat_taken, created_at, updated_at)
        select ${sql.raw(personSql('n'))}, ${accountId}, 'Person ' || n, 'person' || n || '@example.com', 'active', 1, true, now(), now()
        from generate_series(1, ${people}::int) n`.execute(db);
      await sql`
        insert into user_role (id, user_id, role) select uuidv7(), ${sql.raw(personSql('n'))}, 'agent'
        from generate_series(1, ${people}::int) n`.execute(db);
    });
  }
}
