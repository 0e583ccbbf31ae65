import { textsOf } from './language';
import { plural } from './numbers';

/** What a rule does with rows, as a choice reads. */
export const actions = textsOf({
  keep: 'Keep',
  unassign: 'Unassign',
  transfer: 'Transfer',
  replace: 'Put another user in',
  disable: 'Disable',
  hold: 'Hold',
  cancel: 'Cancel',
  stop: 'Stop',
  expire: 'Expire',
  uninstall: 'Uninstall',
  revoke: 'Revoke',
  withdraw: 'Withdraw',
  delete: 'Delete',
  'delete-after': 'Delete later',
  'release-after': 'Release later',
  redact: 'Redact',
  remove: 'Remove',
  exclude: 'Exclude',
  free: 'Free',
  block: 'Refuse',
  end: 'End',
  restore: 'Restore',
  after: (action: string, days: number) => `${action}, after ${plural(days, '# day', '# days')}`,
});
