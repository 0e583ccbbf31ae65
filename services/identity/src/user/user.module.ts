import { Module } from '@nestjs/common';
import { CatalogueModule } from '../catalogue/catalogue.module.js';
import { Actors } from './actors.js';
import { CareEvents } from './care-events.js';
import { DeletedIdentifiers } from './deleted-identifiers.js';
import { DirectoryController } from './directory.controller.js';
import { Memberships } from './memberships.js';
import { NewUsers } from './new-users.js';
import { UserEvents } from './user-events.js';
import { UserQueries } from './user-queries.js';
import { UserRows } from './user-rows.js';
import { UserStream } from './user-stream.js';

/** Rows and events of users, for all other modules. */
@Module({
  imports: [CatalogueModule],
  controllers: [DirectoryController],
  providers: [
    Actors,
    CareEvents,
    DeletedIdentifiers,
    Memberships,
    NewUsers,
    UserEvents,
    UserQueries,
    UserRows,
    UserStream,
  ],
  exports: [Actors, CareEvents, Memberships, NewUsers, UserEvents, UserQueries, UserRows, UserStream],
})
export class UserModule {}
