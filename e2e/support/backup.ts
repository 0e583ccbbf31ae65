import { withClient } from '#libs/local-servers';
import pg from 'pg';
import type { System } from './system.js';

/** A copy of a service's database. The service is stopped while the copy is made or restored. */
export class Backup {
  private constructor(
    private readonly system: System,
    private readonly service: string,
    private readonly copy: string,
    /** The backup contains all decisions before this time. */
    readonly takenAt: string,
  ) {}

  static async of(system: System, service: string): Promise<Backup> {
    const copy = `backup_of_${nameIn(system.databaseUrl(service))}`;
    await system.stopOne(service);
    const takenAt = system.clock.now().toISOString();
    await administer(system, service, (database) => [
      `create database ${pg.escapeIdentifier(copy)} owner ${service}_owner template ${database} strategy file_copy`,
    ]);
    await system.startOne(service);
    return new Backup(system, service, copy, takenAt);
  }

  /** Restores the backup. The service stays stopped. */
  async putBack(): Promise<void> {
    const { system, service, copy } = this;
    await system.stopOne(service);
    await administer(system, service, (database) => [
      `drop database ${database} with (force)`,
      `alter database ${pg.escapeIdentifier(copy)} rename to ${database}`,
      `grant connect, temporary on database ${database} to ${service}, ${service}_owner`,
    ]);
  }
}

const nameIn = (url: string): string => new URL(url).pathname.slice(1);

async function administer(system: System, service: string, statements: (database: string) => string[]): Promise<void> {
  const url = new URL(system.databaseUrl(service));
  const database = pg.escapeIdentifier(nameIn(url.href));
  url.pathname = '/postgres';
  await withClient(url.href, async (client) => {
    for (const statement of statements(database)) await client.query(statement);
  });
}
