import { EntityManager } from '@mikro-orm/postgresql';
import type { FactoryProvider, InjectionToken } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { Metrics } from '#libs/observability';
import { sql } from 'kysely';
import { ConfigError } from './config.js';
import type { RotatingEncryption } from './rotating-encryption.js';

const AT_ONCE = 100;
const TRIED = 5;
/** Milliseconds until the next look: another replica may have gone on with the old secret for a while. */
const POLL_MS = 60_000;

/** Where sealed texts stand. `id` and `boundTo` are columns of the same table. */
export interface EncryptedColumn {
  table: string;
  column: string;
  id: string;
  boundTo: string;
}

interface EncryptedRow {
  id: string;
  sealed: string;
  bound: string;
}

export interface KeyRotationOptions {
  em: EntityManager;
  sealing: RotatingEncryption;
  columns: readonly EncryptedColumn[];
  /** Of the secret, like `CONTACTS_SECRET`. */
  setting: string;
  serviceName: string;
  context: WorkerContext;
  metrics: Metrics;
}

/**
 * The provider of a service's `KeyRotation`.
 * @param sealing injection token of what the columns are sealed with, a `RotatingEncryption`
 */
export const keyRotation = (
  sealing: InjectionToken,
  options: Pick<KeyRotationOptions, 'serviceName' | 'setting' | 'columns'>,
): FactoryProvider<KeyRotation> => ({
  provide: KeyRotation,
  inject: [EntityManager, sealing, WorkerContext, Metrics],
  useFactory: (em: EntityManager, sealing: RotatingEncryption, context: WorkerContext, metrics: Metrics) =>
    new KeyRotation({ ...options, em, sealing, context, metrics }),
});

/**
 * Brings everything that is sealed under a previous secret under the one in use, in batches, while the service is at
 * work. Replicas share the rows.
 */
export class KeyRotation extends StepWorker {
  constructor(private readonly options: KeyRotationOptions) {
    const { context, metrics, sealing } = options;
    super(context, { name: 'key-rotation', pollMs: POLL_MS, errorDelaysMs: [POLL_MS] });
    const countPending = metrics.gauge('leaver_secrets_to_reseal', 'Texts that are sealed under a previous secret.');
    metrics.measured(async () => countPending.set(sealing.rotating ? await this.waiting() : 0));
  }

  /** @throws ConfigError when a previous secret is given, and something opens with neither */
  override async onApplicationBootstrap(): Promise<void> {
    const { setting, serviceName, sealing } = this.options;
    const countUndecryptable = await this.unopened();
    if (countUndecryptable > 0 && sealing.rotating)
      throw new ConfigError(serviceName, [
        `${setting}_PREVIOUS must be the secret that ${setting} replaces: there is something in the database that neither of them opens`,
      ]);
    if (countUndecryptable > 0)
      this.log.error({ setting }, 'what another secret has sealed can’t be read: give it as the previous one');
    if (sealing.rotating) await super.onApplicationBootstrap();
  }

  /** How many texts the secret in use does not open. */
  async waiting(): Promise<number> {
    let count = 0;
    for (const { table, column } of this.options.columns) {
      const { rows } = await sql<{ count: number }>`
        select count(*)::int as count from ${sql.table(table)}
        where ${sql.ref(column)} is not null and not starts_with(${sql.ref(column)}, ${this.options.sealing.mark})`.execute(
        this.db(),
      );
      count += rows[0]!.count;
    }
    return count;
  }

  protected override async step(): Promise<boolean> {
    let resealed = 0;
    for (const column of this.options.columns) {
      let last: EncryptedRow | undefined;
      do {
        const batch = await this.batch(column, last?.id ?? null);
        resealed += batch.length;
        last = batch.at(-1);
      } while (last && !this.stopping);
    }
    if (resealed > 0) this.log.info({ resealed }, 'sealed under the secret in use');
    return false;
  }

  private async batch(where: EncryptedColumn, after: string | null): Promise<EncryptedRow[]> {
    const { em, sealing } = this.options;
    const [table, column, id] = [sql.table(where.table), sql.ref(where.column), sql.ref(where.id)];
    return em.fork().transactional(async (tx) => {
      const db = tx.getKysely();
      const { rows } = await sql<EncryptedRow>`
        select ${id}::text as id, ${column} as sealed, ${sql.ref(where.boundTo)}::text as bound from ${table}
        where ${column} is not null and not starts_with(${column}, ${sealing.mark})
          and (${after}::text is null or ${id}::text > ${after}) order by ${id}::text limit ${AT_ONCE}
        for no key update skip locked`.execute(db);
      const fresh = rows
        .filter(({ sealed, bound }) => sealing.canDecrypt(sealed, bound))
        .map((row) => ({ id: row.id, sealed: sealing.encrypt(sealing.decrypt(row.sealed, row.bound), row.bound) }));
      await sql`
        update ${table} t set ${column} = n.sealed
        from jsonb_to_recordset(${JSON.stringify(fresh)}::jsonb) as n (id text, sealed text)
        where t.${id}::text = n.id`.execute(db);
      return rows;
    });
  }

  /**
   * Of how many keys that have sealed something neither secret opens a text; a few are tried, for one may be damaged.
   * What the secret in use has sealed, which in the end is all there is, is looked at apart: it needs no sorting by keys.
   */
  private async unopened(): Promise<number> {
    const { columns, sealing } = this.options;
    let count = 0;
    for (const { table, column, id, boundTo } of columns) {
      const text = sql.ref(column);
      const row = sql`${sql.ref(id)}::text as id, ${text} as sealed, ${sql.ref(boundTo)}::text as bound`;
      const isOurs = sql`starts_with(${text}, ${sealing.mark})`;
      const { rows } = await sql<EncryptedRow & { mark: string }>`
        (select ${row}, ${sealing.mark} as mark from ${sql.table(table)}
          where ${text} is not null and ${isOurs} order by ${sql.ref(id)}::text limit ${TRIED})
        union all
        select id, sealed, bound, mark from (
          select ${row}, mark, row_number() over (partition by mark order by ${sql.ref(id)}::text) as n
          from ${sql.table(table)}, lateral (select case when ${text} like '%.%' then split_part(${text}, '.', 1) else '' end as mark) m
          where ${text} is not null and not ${isOurs}) others
        where n <= ${TRIED}`.execute(this.db());
      const byKey = [...Map.groupBy(rows, ({ mark }) => mark).values()];
      count += byKey.filter((own) => !own.some(({ sealed, bound }) => sealing.canDecrypt(sealed, bound))).length;
    }
    return count;
  }

  private db() {
    return this.options.em.fork().getKysely();
  }
}
