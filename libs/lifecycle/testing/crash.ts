import pg from 'pg';

/** Runs the work with its connection killed before the n-th statement. False when it has fewer statements than that. */
export async function crashes(n: number, adminUrl: string, work: () => Promise<unknown>): Promise<boolean> {
  const { query } = pg.Client.prototype;
  const ask = query as unknown as (this: pg.Client, ...args: unknown[]) => Promise<unknown>;
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  let statement = 0;
  let broken = false;
  const patched = function (this: pg.Client, ...args: unknown[]): Promise<unknown> {
    if (this === admin || ++statement !== n) return ask.apply(this, args);
    broken = true;
    const { processID } = this as unknown as { processID: number };
    return ask.call(admin, 'select pg_terminate_backend($1)', [processID]).then(() => ask.apply(this, args));
  };
  pg.Client.prototype.query = patched as unknown as typeof query;
  try {
    await work();
    return broken;
  } catch (error) {
    if (!broken) throw error;
    return true;
  } finally {
    pg.Client.prototype.query = query;
    await admin.end();
  }
}
