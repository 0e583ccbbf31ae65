import { useId, useState, type KeyboardEvent, type ReactNode } from 'react';
import { Icon } from '../icon';

export interface Pick {
  key: string;
  text: ReactNode;
  icon?: ReactNode;
  detail?: string | null;
  /** Why it cannot be chosen. */
  whyNot?: string;
}

interface PickListProps<P extends Pick> {
  label: string;
  hint: string;
  /** The name of the list. */
  list: string;
  picks: readonly P[];
  text: string;
  onText: (text: string) => void;
  onPick: (pick: P) => void;
  /** Said below the list: nothing found, or how many. */
  status: string;
}

/** A field with a list below it: type to narrow it, arrows to move, Enter to take one (the combobox pattern of ARIA). */
export function PickList<P extends Pick>({ label, hint, list, picks, text, onText, onPick, status }: PickListProps<P>) {
  const id = useId();
  const [chosen, setChosen] = useState(0);
  const current = Math.min(chosen, picks.length - 1);
  const take = (pick: P | undefined) => {
    if (pick && !pick.whyNot) onPick(pick);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && picks.length > 0) {
      event.preventDefault();
      const next = (current + step + picks.length) % picks.length;
      setChosen(next);
      document.getElementById(`${id}-${next}`)?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      event.preventDefault();
      take(picks[current]);
    }
  };
  return (
    <div className="pick-list">
      <div className="search">
        <Icon name="search" />
        <input
          className="input tall"
          role="combobox"
          aria-label={label}
          aria-expanded={picks.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={picks[current] ? `${id}-${current}` : undefined}
          placeholder={hint}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
          value={text}
          onChange={(event) => {
            onText(event.target.value);
            setChosen(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <ul id={`${id}-list`} role="listbox" aria-label={list}>
        {picks.map((pick, index) => (
          // The keyboard acts on the field, which names the chosen option.
          <li
            key={pick.key}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            aria-disabled={pick.whyNot !== undefined}
            onPointerMove={() => setChosen(index)}
            onClick={() => take(pick)}
          >
            {pick.icon}
            <span className="clip">{pick.text}</span>
            {(pick.whyNot ?? pick.detail) && <span className="muted small clip">{pick.whyNot ?? pick.detail}</span>}
          </li>
        ))}
      </ul>
      <p className={picks.length === 0 ? 'muted small' : 'sr'} role="status">
        {status}
      </p>
    </div>
  );
}
