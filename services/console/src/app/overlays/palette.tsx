import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api, bodyOf } from '../../api/client';
import { Dialog } from '../../components/dialog';
import { PickList, type Pick } from '../../components/fields/pick-list';
import { Icon } from '../../components/icon';
import { PersonName } from '../../components/person-name';
import { app } from '../../texts/app';
import { DESTINATIONS } from '../shell/navigation';
import { useIsManager } from '../shell/use-session';

interface Choice extends Pick {
  go: () => void;
}

/** Finds a person or a page. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('');
  const choices = useChoices(text.trim());
  return (
    <Dialog title={app.palette.title} titleHidden onClose={onClose} className="palette">
      <PickList
        label={app.palette.label}
        hint={app.palette.hint}
        list={app.palette.title}
        picks={choices}
        text={text}
        onText={setText}
        onPick={({ go }) => {
          onClose();
          go();
        }}
        status={choices.length === 0 ? app.palette.nothing : app.palette.found(choices.length)}
      />
    </Dialog>
  );
}

function useChoices(text: string): Choice[] {
  const navigate = useNavigate();
  const isManager = useIsManager();
  const { data } = useQuery({
    queryKey: ['users', 'palette', text],
    queryFn: ({ signal }) =>
      bodyOf(api.GET('/v1/users', { params: { query: { q: text, status: 'all', limit: 8 } }, signal })),
    enabled: text !== '',
    placeholderData: keepPreviousData,
  });
  const pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'iu');
  const pages = DESTINATIONS.filter(({ forManagers }) => isManager || !forManagers)
    .filter((page) => pattern.test(page.text))
    .map(({ to, icon, text }): Choice => ({
      key: to,
      icon: <Icon name={icon} />,
      text,
      go: () => void navigate({ to }),
    }));
  const people = text === '' ? [] : (data?.items ?? []);
  return [
    ...people.map(({ id, name, email }): Choice => {
      return {
        key: id,
        icon: <Icon name="contacts" />,
        text: <PersonName>{name}</PersonName>,
        detail: email,
        go: () => void navigate({ to: '/people', search: { q: email ?? name } }),
      };
    }),
    ...pages,
  ];
}
