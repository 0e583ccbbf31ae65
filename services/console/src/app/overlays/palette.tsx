import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useId, useState, type KeyboardEvent } from 'react';
import { api, bodyOf } from '../../api/client';
import { Dialog } from '../../components/dialog';
import { Icon } from '../../components/icon';
import { PersonName } from '../../components/person-name';
import type { IconName } from '../../design/icons';
import { app } from '../../texts/app';
import { DESTINATIONS } from '../shell/navigation';
import { useIsManager } from '../shell/use-session';

interface Choice {
  key: string;
  icon: IconName;
  text: string;
  detail?: string | null;
  go: () => void;
}

/** Finds a person or a page. */
export default function Palette({ onClose }: { onClose: () => void }) {
  const id = useId();
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const choices = useChoices(text.trim());
  const current = Math.min(chosen, choices.length - 1);

  const take = (choice: Choice | undefined) => {
    if (!choice) return;
    onClose();
    choice.go();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && choices.length > 0) {
      event.preventDefault();
      setChosen((current + step + choices.length) % choices.length);
    } else if (event.key === 'Enter' && !event.nativeEvent.isComposing) take(choices[current]);
  };
  return (
    <Dialog title={app.palette.title} titleHidden onClose={onClose} className="palette">
      <div className="search">
        <Icon name="search" />
        <input
          className="input tall"
          role="combobox"
          aria-label={app.palette.label}
          aria-expanded={choices.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={choices[current] ? `${id}-${current}` : undefined}
          placeholder={app.palette.hint}
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setChosen(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <ul id={`${id}-list`} role="listbox" aria-label={app.palette.title}>
        {choices.map((choice, index) => (
          // The keyboard acts on the field, which names the chosen option.
          <li
            key={choice.key}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            onPointerMove={() => setChosen(index)}
            onClick={() => take(choice)}
          >
            <Icon name={choice.icon} />
            <PersonName>{choice.text}</PersonName>
            {choice.detail && <span className="muted small">{choice.detail}</span>}
          </li>
        ))}
      </ul>
      <p className={choices.length === 0 ? 'muted small' : 'sr'} role="status">
        {choices.length === 0 ? app.palette.nothing : app.palette.found(choices.length)}
      </p>
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
    .map(({ to, icon, text }): Choice => ({ key: to, icon, text, go: () => void navigate({ to }) }));
  const people = text === '' ? [] : (data?.items ?? []);
  return [
    ...people.map(({ id, name, email }): Choice => {
      return {
        key: id,
        icon: 'contacts',
        text: name,
        detail: email,
        go: () => void navigate({ to: '/people', search: { q: email ?? name } }),
      };
    }),
    ...pages,
  ];
}
