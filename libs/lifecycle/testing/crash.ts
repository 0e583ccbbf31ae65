import pg from 'pg';

/**
 * Runs the work and terminates its connection before the n-th statement.
 * @returns false if it has fewer than n statements
 * @throws Error if the work succeeded in spite of the terminated connection
 */
export async function crashes(n: number, adminUrl: string, work: () => Promise<unknown>): Promise<boolean> {
  const { query } = pg.Client.prototype;
  const ask = query as unknown as (this: pg.Client, ...args: unknown[]) => Promise<unknown>;
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  let statement = 0;
  let terminated = false;
  /** Resolves when the backend has ended; until then it could still run the statement. */
  const terminate = async (pid: number) => {
    await ask.call(admin, 'select pg_terminate_backend($1)', [pid]);
    const isAlive = async () =>
      ((await ask.call(admin, 'select 1 from pg_stat_activity where pid = $1', [pid])) as pg.QueryResult).rows.length >
      0;
    while (await isAlive());
  };
  const patched = function (this: pg.Client, ...args: unknown[]): Promise<unknown> {
    // Other files of this process have other databases, and their services may still be stopping.
    if (this === admin || this.database !== admin.database || ++statement !== n) return ask.apply(this, args);
    terminated = true;
    const { processID } = this as unknown as { processID: number };
    return terminate(processID).then(() => ask.apply(this, args));
  };
  pg.Client.prototype.query = patched as unknown as typeof query;
  try {
    await work();
  } catch (error) {
    if (!terminated) throw error;
    return true;
  } finally {
    pg.Client.prototype.query = query;
    await admin.end();
  }
  if (terminated) throw new Error(`the work succeeded although its connection was terminated before statement ${n}`);
  return false;
}
