import { Module } from '@nestjs/common';
import { CatalogueModule } from '../catalogue/catalogue.module.js';
import { UserModule } from '../user/user.module.js';
import { AccountCounts } from './account-counts.js';
import { Holdings } from './holdings.js';
import { UserList } from './user-list.js';
import { UserListController } from './user-list.controller.js';
import { UserPlaces } from './user-places.js';

/** The list of an account's users: who is suspended, who leaves soon, and who has left and still holds rows. */
@Module({
  imports: [CatalogueModule, UserModule],
  controllers: [UserListController],
  providers: [AccountCounts, Holdings, UserList, UserPlaces],
})
export class UserListModule {}
