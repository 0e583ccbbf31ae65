import pg from 'pg';
import { eventually } from '#libs/test-kit';

type Ask = (this: pg.Client, ...args: unknown[]) => Promise<pg.QueryResult>;

interface Contested {
  /** Connection URL of the superuser. */
  adminUrl: string;
  /** The row that both transactions lock: a table and a condition in which `$1` is the id. */
  row: string;
  id: string;
}

export interface Overlapped<A, B> {
  first: PromiseSettledResult<A>;
  second: PromiseSettledResult<B>;
  /** Whether the second transaction waited for the first. */
  hasWaited: boolean;
}

/**
 * Runs two transactions in a forced order: the first one stops before its commit, after it has locked the row; then the
 * second one starts, and the first commits once the second waits for it or has ended.
 * @throws Error if the first never locks the row
 */
export async function overlap<A, B>(
  { adminUrl, row, id }: Contested,
  first: () => Promise<A>,
  second: () => Promise<B>,
): Promise<Overlapped<A, B>> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  const isLocked = async () => {
    const free = await admin.query(`select from ${row} for update skip locked`, [id]);
    return free.rowCount === 0;
  };
  const isBlocking = async () => {
    const waiting = await admin.query(
      'select from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0',
    );
    return waiting.rowCount! > 0;
  };
  const hold = holdCommit(admin, isLocked);
  try {
    const one = first();
    const committedWithoutLock = one.then(() => {
      throw new Error('the first transaction has committed without locking the row');
    });
    await Promise.race([hold.reached, committedWithoutLock]);
    const two = second();
    let isOver = false;
    const end = () => (isOver = true);
    two.then(end, end);
    const found = await eventually(async () => ((await isBlocking()) ? 'waiting' : isOver && 'over'));
    hold.release();
    const outcomes = await Promise.allSettled([one, two]);
    return { first: outcomes[0], second: outcomes[1], hasWaited: found === 'waiting' };
  } finally {
    hold.release();
    await admin.end();
  }
}

/** Holds the first commit of a transaction that has written or locked something while the condition is true. */
function holdCommit(admin: pg.Client, condition: () => Promise<boolean>) {
  const { query } = pg.Client.prototype;
  // The driver types it as several overloads, which no single function matches.
  const ask = query as unknown as Ask;
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const watch = (patched: Ask | typeof query) => void (pg.Client.prototype.query = patched as typeof query);
  const patched: Ask = function (...args) {
    if (this === admin || args[0] !== 'commit') return ask.apply(this, args);
    // A worker of the service may commit meanwhile. Unlike the transaction with the lock, it has written nothing.
    const hasWritten = ask
      .call(this, 'select pg_current_xact_id_if_assigned() is not null as yes')
      .then(({ rows }) => (rows as { yes: boolean }[])[0]!.yes);
    return Promise.all([condition(), hasWritten])
      .then(([isLocked, writes]) => {
        const isDue = isLocked && writes;
        if (!isDue) return undefined;
        watch(query);
        reached.resolve();
        return released.promise;
      })
      .then(() => ask.apply(this, args));
  };
  watch(patched);
  return {
    reached: reached.promise,
    release: () => {
      watch(query);
      released.resolve();
    },
  };
}
