import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api, bodyOf } from '../../../api/client';
import type { User } from '../../../api/session';
import { Dialog } from '../../../components/dialog';
import { PickList, type Pick } from '../../../components/fields/pick-list';
import { Select } from '../../../components/fields/select';
import { Icon } from '../../../components/icon';
import { Avatar, PersonName } from '../../../components/person-name';
import { leave as texts } from '../../../texts/leave';
import { teamsQuery } from '../../people/queries';
import { DEFAULT, type Successor } from '../plan/choices';

const { who } = texts;
const WAYS = ['round-robin', 'fewest-open'] as const;
type Way = (typeof WAYS)[number];

interface SuccessorDialogProps {
  user: User;
  rule: string;
  label: string;
  chosen?: Successor;
  /** Undefined for the default. */
  onChoose: (to: Successor | undefined) => void;
  onClose: () => void;
}

interface Candidate extends Pick {
  to: Successor;
}

/** A person, a team or the manager. */
export function SuccessorDialog({ user, rule, label, chosen, onChoose, onClose }: SuccessorDialogProps) {
  const [text, setText] = useState('');
  const [by, setBy] = useState<Way>(wayOf(chosen));
  const candidates = useCandidates(user, text.trim(), by);
  const isDefault = rule === DEFAULT;
  return (
    <Dialog title={isDefault ? who.titleDefault : who.title(label)} onClose={onClose} className="picker">
      <PickList
        label={who.field}
        hint={who.hint}
        list={isDefault ? who.titleDefault : who.title(label)}
        picks={candidates}
        text={text}
        onText={setText}
        onPick={({ to }) => onChoose(to)}
        status={candidates.length === 0 ? who.nothing : ''}
      />
      <footer>
        <Select
          label={who.by.label}
          value={by}
          options={WAYS.map((way) => [way, who.by[way]] as const)}
          onChange={setBy}
        />
        <button className="btn quiet" type="button" onClick={() => onChoose(undefined)}>
          {isDefault ? who.useFirstAdmin : who.useDefault}
        </button>
        <button className="btn" type="button" onClick={onClose}>
          {who.cancel}
        </button>
      </footer>
    </Dialog>
  );
}

const wayOf = (chosen: Successor | undefined): Way =>
  (typeof chosen === 'object' && 'by' in chosen ? WAYS.find((way) => way === chosen.by) : undefined) ?? 'round-robin';

function useCandidates(leaver: User, text: string, by: Way): Candidate[] {
  const { data: people } = useQuery({
    queryKey: ['users', 'successors', text],
    queryFn: ({ signal }) => {
      const query = { q: text || undefined, status: 'active', invited: false, sort: 'name', limit: 20 } as const;
      return bodyOf(api.GET('/v1/users', { params: { query }, signal }));
    },
    placeholderData: keepPreviousData,
  });
  const { data: teams = [] } = useQuery(teamsQuery);
  const pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'iu');
  const manager: Candidate = {
    key: 'manager',
    to: { manager: true },
    text: who.manager,
    icon: <Icon name="identity" />,
    whyNot: leaver.managerId ? undefined : who.noManager,
  };
  return [
    ...(people?.items ?? []).map(({ id, name, email }): Candidate => ({
      key: id,
      to: id,
      text: <PersonName>{name}</PersonName>,
      icon: <Avatar name={name} size="tiny" />,
      detail: email,
      whyNot: id === leaver.id ? who.self : undefined,
    })),
    ...teams
      .filter(({ name }) => pattern.test(name))
      .map(({ id, name }): Candidate => ({
        key: id,
        to: { teamId: id, by },
        text: <PersonName>{name}</PersonName>,
        icon: <Icon name="people" />,
        detail: who.team,
      })),
    ...(pattern.test(who.manager) ? [manager] : []),
  ];
}
