import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { Directory } from './directory.js';
import { ormOptions, type AnyEntity } from './connection/orm-options.js';
import type { TimeLimits } from './limits/time-limits.js';
import { WrittenTables } from './written-tables.js';
import { RowSecurityCheck } from './scope/row-security-check.js';

/**
 * Injection token for the database URL with the service's runtime role. The platform provides it from the
 * configuration.
 */
export const DATABASE_URL = Symbol('DATABASE_URL');

/** Injection token for the limits of statements. The platform provides them from the configuration, too. */
export const TIME_LIMITS = Symbol('TIME_LIMITS');

@Module({})
export class DatabaseModule {
  /**
   * Sets up MikroORM on the service's own database, and the directory of users in it.
   * @param lookup a provider of `UserLookup` if the directory is a copy; otherwise empty
   */
  static forService(entities: readonly AnyEntity[], lookup: Provider[]): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        MikroOrmModule.forRootAsync({
          driver: PostgreSqlDriver,
          inject: [DATABASE_URL, TIME_LIMITS, WrittenTables],
          useFactory: (clientUrl: string, limits: TimeLimits, written: WrittenTables) => ({
            ...ormOptions(clientUrl, entities, limits, written),
            driver: PostgreSqlDriver,
            registerRequestContext: false,
          }),
        }),
      ],
      providers: [Directory, RowSecurityCheck, ...lookup],
      exports: [Directory],
    };
  }
}
