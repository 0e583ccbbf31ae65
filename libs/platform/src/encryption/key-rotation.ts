import { EntityManager } from '@mikro-orm/postgresql';
import type { FactoryProvider, InjectionToken } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { Metrics } from '#libs/observability';
import { sql } from 'kysely';
import { ConfigError } from '../service/config.js';
import type { RotatingEncryption } from './rotating-encryption.js';

const BATCH_SIZE = 100;
const SAMPLE_SIZE = 5;
/** Milliseconds until the next look, because another replica may have used the old secret for a while. */
const POLL_MS = 60_000;

/** A column with encrypted texts. `id` and `boundTo` are columns of the same table. */
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
  encryption: RotatingEncryption;
  columns: readonly EncryptedColumn[];
  /** The setting with the secret, like `CONTACTS_SECRET`. */
  setting: string;
  serviceName: string;
  context: WorkerContext;
  metrics: Metrics;
}

/**
 * Provides a service's `KeyRotation`.
 * @param encryption injection token of the `RotatingEncryption` of these columns
 */
export const keyRotation = (
  encryption: InjectionToken,
  options: Pick<KeyRotationOptions, 'serviceName' | 'setting' | 'columns'>,
): FactoryProvider<KeyRotation> => ({
  provide: KeyRotation,
  inject: [EntityManager, encryption, WorkerContext, Metrics],
  useFactory: (em: EntityManager, encryption: RotatingEncryption, context: WorkerContext, metrics: Metrics) =>
    new KeyRotation({ ...options, em, encryption, context, metrics }),
});

/**
 * Re-encrypts everything that is encrypted with a previous secret with the current one, in batches, while the service
 * is running. Replicas share the rows.
 */
export class KeyRotation extends StepWorker {
  constructor(private readonly options: KeyRotationOptions) {
    const { context, metrics, encryption } = options;
    super(context, { name: 'key-rotation', pollMs: POLL_MS, errorDelaysMs: [POLL_MS] });
    const countPending = metrics.gauge('leaver_secrets_to_reseal', 'Texts encrypted with a previous secret.');
    metrics.measured(async () => countPending.set(encryption.rotating ? await this.waiting() : 0));
  }

  /** @throws ConfigError when a previous secret is given and neither secret decrypts some text */
  override async onApplicationBootstrap(): Promise<void> {
    const { setting, serviceName, encryption } = this.options;
    const countUndecryptable = await this.undecryptableKeys();
    if (countUndecryptable > 0 && encryption.rotating)
      throw new ConfigError(serviceName, [
        `${setting}_PREVIOUS must be the secret that ${setting} replaces: neither of them decrypts some texts in the database`,
      ]);
    if (countUndecryptable > 0)
      this.log.error({ setting }, 'texts encrypted with another secret cannot be read: set it as the previous secret');
    if (encryption.rotating) await super.onApplicationBootstrap();
  }

  /** The number of texts that are not encrypted with the current secret. */
  async waiting(): Promise<number> {
    let count = 0;
    for (const { table, column } of this.options.columns) {
      const { rows } = await sql<{ count: number }>`
        select count(*)::int as count from ${sql.table(table)}
        where ${sql.ref(column)} is not null and not starts_with(${sql.ref(column)}, ${this.options.encryption.mark})`.execute(
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
    if (resealed > 0) this.log.info({ resealed }, 'texts re-encrypted with the current secret');
    return false;
  }

  private async batch(where: EncryptedColumn, after: string | null): Promise<EncryptedRow[]> {
    const { em, encryption } = this.options;
    const [table, column, id] = [sql.table(where.table), sql.ref(where.column), sql.ref(where.id)];
    return em.fork().transactional(async (tx) => {
      const db = tx.getKysely();
      const { rows } = await sql<EncryptedRow>`
        select ${id}::text as id, ${column} as sealed, ${sql.ref(where.boundTo)}::text as bound from ${table}
        where ${column} is not null and not starts_with(${column}, ${encryption.mark})
          and (${after}::text is null or ${id}::text > ${after}) order by ${id}::text limit ${BATCH_SIZE}
        for no key update skip locked`.execute(db);
      const fresh = rows
        .filter(({ sealed, bound }) => encryption.canDecrypt(sealed, bound))
        .map((row) => ({
          id: row.id,
          sealed: encryption.encrypt(encryption.decrypt(row.sealed, row.bound), row.bound),
        }));
      await sql`
        update ${table} t set ${column} = n.sealed
        from jsonb_to_recordset(${JSON.stringify(fresh)}::jsonb) as n (id text, sealed text)
        where t.${id}::text = n.id`.execute(db);
      return rows;
    });
  }

  /**
   * Counts the keys whose texts neither secret decrypts. A few texts per key are tried, because one may be damaged.
   * Texts of the current secret, usually all of them, are queried separately, which needs no sorting by key.
   */
  private async undecryptableKeys(): Promise<number> {
    const { columns, encryption } = this.options;
    let count = 0;
    for (const { table, column, id, boundTo } of columns) {
      const text = sql.ref(column);
      const row = sql`${sql.ref(id)}::text as id, ${text} as sealed, ${sql.ref(boundTo)}::text as bound`;
      const isOurs = sql`starts_with(${text}, ${encryption.mark})`;
      const { rows } = await sql<EncryptedRow & { mark: string }>`
        (select ${row}, ${encryption.mark} as mark from ${sql.table(table)}
          where ${text} is not null and ${isOurs} order by ${sql.ref(id)}::text limit ${SAMPLE_SIZE})
        union all
        select id, sealed, bound, mark from (
          select ${row}, mark, row_number() over (partition by mark order by ${sql.ref(id)}::text) as n
          from ${sql.table(table)}, lateral (select case when ${text} like '%.%' then split_part(${text}, '.', 1) else '' end as mark) m
          where ${text} is not null and not ${isOurs}) others
        where n <= ${SAMPLE_SIZE}`.execute(this.db());
      const byKey = [...Map.groupBy(rows, ({ mark }) => mark).values()];
      count += byKey.filter((own) => !own.some(({ sealed, bound }) => encryption.canDecrypt(sealed, bound))).length;
    }
    return count;
  }

  private db() {
    return this.options.em.fork().getKysely();
  }
}
