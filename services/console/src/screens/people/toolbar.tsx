import { useEffect, useRef, useState } from 'react';
import { Icon } from '../../components/icon';
import { Select } from '../../components/fields/select';
import { app } from '../../texts/app';
import { people as texts } from '../../texts/people';
import { peopleRoute, ROLES, SORTS, type PeopleSearch } from './search';

/** Milliseconds after the last letter until the list is asked for. */
const PAUSE = 150;

/** Filters of the list. They stand in the address, so they can be sent to somebody and survive a reload. */
export function Toolbar({ search }: { search: PeopleSearch }) {
  const navigate = peopleRoute.useNavigate();
  const change = (next: PeopleSearch) => void navigate({ search: (before) => ({ ...before, ...next }), replace: true });
  const isLeaving = search.tab === 'leaving';
  return (
    <form className="toolbar" role="search" aria-label={texts.search.form} onSubmit={(event) => event.preventDefault()}>
      <SearchField value={search.q ?? ''} onChange={(q) => change({ q: q || undefined })} />
      {!isLeaving && (
        <>
          <Select
            label={texts.role.label}
            value={search.role ?? 'any'}
            options={[['any', texts.role.any], ...ROLES.map((role) => [role, app.roles[role]] as const)]}
            onChange={(role) => change({ role: role === 'any' ? undefined : role })}
          />
          <Select
            label={texts.sort.label}
            value={search.sort ?? 'name'}
            options={SORTS.map((sort) => [sort, texts.sort[sort]] as const)}
            onChange={(sort) => change({ sort: sort === 'name' ? undefined : sort })}
          />
        </>
      )}
    </form>
  );
}

function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  // The address was changed by something else: a link, or going back.
  useEffect(() => {
    if (value === sent.current) return;
    sent.current = value;
    setText(value);
  }, [value]);
  useEffect(() => {
    const next = text.trim();
    if (next === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = next;
      onChange(next);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [text, onChange]);
  return (
    <div className="search">
      <Icon name="search" />
      <input
        className="input"
        type="search"
        aria-label={texts.search.label}
        placeholder={texts.search.hint}
        autoComplete="off"
        spellCheck={false}
        data-page-search
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}
