import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { Directory } from './directory.js';
import { ormOptions, type AnyEntity } from './orm-options.js';

/** Token of the URL of the service's database, with its runtime role. Provided by the platform from the configuration. */
export const DATABASE_URL = Symbol('DATABASE_URL');

@Module({})
export class DatabaseModule {
  /**
   * MikroORM on the service's own database, and the directory of users that lives in it.
   * @param lookup provider of `UserLookup`, where the directory is a copy
   */
  static forService(entities: readonly AnyEntity[], lookup: Provider[]): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      imports: [
        MikroOrmModule.forRootAsync({
          driver: PostgreSqlDriver,
          inject: [DATABASE_URL],
          useFactory: (clientUrl: string) => ({
            ...ormOptions(clientUrl, entities),
            driver: PostgreSqlDriver,
            registerRequestContext: false,
          }),
        }),
      ],
      providers: [Directory, ...lookup],
      exports: [Directory],
    };
  }
}
