import pg from 'pg';
import type { System } from '../support/system.js';

/** Runs work in a service's database as the superuser, bypassing all checks. */
export async function pastTheRules<T>(
  system: System,
  service: string,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: system.databaseUrl(service) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The number that a query returns. */
export function countOf(system: System, service: string, query: string, values: unknown[]): Promise<number> {
  return pastTheRules(system, service, async (client) => {
    const { rows } = await client.query<{ count: string }>(query, values);
    return Number(rows[0]!.count);
  });
}
