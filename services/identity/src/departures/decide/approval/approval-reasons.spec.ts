import { describe, expect, it } from '@jest/globals';
import type { Approvals, ResolvedRules, RuleDescription } from '#libs/contracts';
import { approvalReasons, type Asked } from './approval-reasons.js';

const NOTHING: Approvals = { deleted: false, destructive: false, bulkAbove: null, scim: 'proceed', days: 7 };
const EVERYTHING: Approvals = { deleted: true, destructive: true, bulkAbove: 2, scim: 'wait', days: 7 };

const RULE: RuleDescription = {
  id: 'notes.drafts',
  service: 'notes',
  label: 'Drafts',
  position: 0,
  fixed: false,
  transitions: {
    deactivated: {
      allowed: ['keep', 'transfer', 'delete', 'delete-after', 'uninstall'],
      destroys: ['delete', 'delete-after', 'uninstall'],
      default: { action: 'keep' },
      presets: {},
    },
  },
};

type Action = NonNullable<ResolvedRules[string]['deactivated']>;

const asked = (
  { policy = { action: 'keep' }, chosen = policy }: { policy?: Action; chosen?: Action } = {},
  more: Partial<Omit<Asked, 'plan'>> & { transition?: 'deactivated' | 'deleted' } = {},
): Asked => {
  const { transition = 'deactivated', ...others } = more;
  const rules = (action: Action): ResolvedRules => ({ [RULE.id]: { deactivated: action } });
  return {
    plan: { transition, catalogue: [RULE], byPolicy: rules(policy), rules: rules(chosen) },
    by: 'manager',
    ...others,
  };
};

describe('what needs an approval', () => {
  it('is nothing unless the policy says so', () => {
    const everything = asked({ chosen: { action: 'delete' } }, { transition: 'deleted', users: 10_000 });
    expect(approvalReasons(NOTHING, everything)).toEqual([]);
    expect(approvalReasons(EVERYTHING, everything)).toEqual(['deleted', 'destructive', 'bulk']);
  });

  it('are deletions, but no deactivations by the policy', () => {
    const approvals = { ...NOTHING, deleted: true };
    expect(approvalReasons(approvals, asked({}, { transition: 'deleted' }))).toEqual(['deleted']);
    expect(approvalReasons(approvals, asked())).toEqual([]);
  });

  it.each<[string, Action, Action, boolean]>([
    ['deletes what the policy keeps', { action: 'keep' }, { action: 'delete' }, true],
    ['deletes later what the policy keeps', { action: 'keep' }, { action: 'delete-after', days: 30 }, true],
    ['deletes at once what the policy deletes later', { action: 'delete-after', days: 30 }, { action: 'delete' }, true],
    ['deletes sooner', { action: 'delete-after', days: 30 }, { action: 'delete-after', days: 3 }, true],
    ['deletes later', { action: 'delete-after', days: 3 }, { action: 'delete-after', days: 30 }, false],
    ['keeps what the policy deletes', { action: 'delete' }, { action: 'keep' }, false],
    ['transfers', { action: 'keep' }, { action: 'transfer', to: 'somebody' }, false],
    ['is the policy', { action: 'delete' }, { action: 'delete' }, false],
    ['takes more', { action: 'uninstall', scope: 'installed-by-leaver' }, { action: 'uninstall', scope: 'all' }, true],
    ['takes less', { action: 'uninstall', scope: 'all' }, { action: 'uninstall', scope: 'installed-by-leaver' }, false],
  ])('an override that %s', (_, policy, chosen, needed) => {
    expect(approvalReasons({ ...NOTHING, destructive: true }, asked({ policy, chosen }))).toEqual(
      needed ? ['destructive'] : [],
    );
  });

  it('are lists of more users than the policy names', () => {
    const approvals = { ...NOTHING, bulkAbove: 2 };
    expect(approvalReasons(approvals, asked({}, { users: 2 }))).toEqual([]);
    expect(approvalReasons(approvals, asked({}, { users: 3 }))).toEqual(['bulk']);
  });

  it('are deletions by an identity provider only if the policy says `wait`, and never its deactivations', () => {
    const deletion = asked({}, { transition: 'deleted', by: 'provider' });
    expect(approvalReasons(EVERYTHING, deletion)).toEqual(['scim']);
    expect(approvalReasons({ ...EVERYTHING, scim: 'proceed' }, deletion)).toEqual([]);
    expect(approvalReasons(EVERYTHING, asked({}, { by: 'provider' }))).toEqual([]);
  });
});
