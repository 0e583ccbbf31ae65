import { RIGHTS, type Operation, type Rights } from '#libs/contracts';
import type { AnyEntity } from '#libs/database';
import type { Relations } from './row-rights.js';

/** What a plain resource shows of its rows, and what it checks. */
export interface Spec<Row> extends Relations {
  entity: AnyEntity & { readonly '~entity': Row };
  /** Properties that are returned unchanged. */
  shown: readonly (keyof Row & string)[];
  /**
   * Properties that refer to users. A user named in a request must not have left. In responses `ownerId` is accompanied
   * by `owner` with name and status, and a property without `Id`, like `assignee`, becomes that view.
   */
  people?: readonly (keyof Row & string)[];
  /** The user property that defaults to the caller. */
  mine?: keyof Row & string;
  /** The user property that makes a row the user's own, if it is not `mine`. */
  owner?: keyof Row & string;
  /**
   * Properties by which a rule selects rows of their owner, such as `shared`. They change only while the owner has not
   * left: otherwise a row could come under a rule that has been applied already.
   */
  whileOwnerActive?: readonly (keyof Row & string)[];
  /** Who may do what. Default: the resource's line in `RIGHTS`. Without one, rows belong to the account. */
  rights?: Rights;
  /**
   * Properties that refer to other rows of this service, with their entities: `{ numberId: PhoneNumber }`. A row that a
   * request names must exist in the account (`unknown-reference`), and cannot be deleted until the transaction ends.
   */
  refers?: Partial<Record<keyof Row & string, AnyEntity>>;
}

export interface TenantRow {
  id: string;
  accountId: string;
}

const OF_THE_ACCOUNT: Rights = { see: ['everyone'], change: ['everyone'], createFor: 'everyone' };

/** `saved-views.get`: `saved-views` */
export const rightsOf = ({ id }: Pick<Operation, 'id'>): Rights =>
  (RIGHTS as Record<string, Rights>)[id.slice(0, id.lastIndexOf('.'))] ?? OF_THE_ACCOUNT;
