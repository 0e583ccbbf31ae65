import { Email, Flag, Id, Ids, Moment, OneOf, SomeOf, Text, Url, Whole } from '../fields.js';
import { USER_STATUSES, type UserStatus } from '../events.js';
import { ROLES, type Role } from '../principal.js';

/** A user. After a deletion the personal details are gone. */
export class User {
  @Id() id: string;
  @Text({ nullable: true }) staffId: string | null;
  @Text({ about: '`Deleted user` if the user has been deleted.' }) name: string;
  @Email({ nullable: true }) email: string | null;
  @Url({ nullable: true }) avatarUrl: string | null;
  @SomeOf(ROLES) roles: Role[];
  @Ids() teamIds: string[];
  @OneOf(USER_STATUSES) status: UserStatus;
  @Whole({ about: 'Goes up by one with every change of the status.' }) lifecycleVersion: number;
  @Moment({ nullable: true }) deactivatedAt: string | null;
  @Moment({ nullable: true }) deletedAt: string | null;
  @Flag() legalHold: boolean;
  @Id({ nullable: true }) caretakerId: string | null;
}
