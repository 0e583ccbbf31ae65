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
  @Moment({
    nullable: true,
    about:
      'Since when the user is suspended and let in nowhere. Only owners and admins see it: for others it is always null.',
  })
  suspendedAt: string | null;
  @Flag({ about: 'Only owners and admins see legal holds: for others it is always false.' }) legalHold: boolean;
  @Text({ optional: true, max: 1000, about: 'Why the data of the user must be kept. Only owners and admins see it.' })
  legalHoldReason?: string;
  @Id({ nullable: true, about: 'The user whom this user reports to.' }) managerId: string | null;
  @Id({ nullable: true }) caretakerId: string | null;
  @Moment({
    optional: true,
    about: 'When the caretaker’s time ends, if it was limited. Only owners and admins see it.',
  })
  caretakerUntil?: string;
}
