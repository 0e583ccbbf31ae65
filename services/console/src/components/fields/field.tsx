import { useId, type InputHTMLAttributes, type ReactNode } from 'react';
import { Icon } from '../icon';

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  /** Gets the focus when its dialog opens. */
  'data-autofocus'?: boolean;
  label: string;
  hint?: string;
  problem?: string;
  /** Beside the label. */
  aside?: ReactNode;
}

/** A text field with its label, and what is wrong with it. */
export function Field({ label, hint, problem, aside, className = 'input', ...input }: FieldProps) {
  const id = useId();
  const about = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ') || undefined;
  return (
    <div className="field">
      <span className="label-row">
        <label className="label" htmlFor={id}>
          {label}
        </label>
        {aside}
      </span>
      <input
        {...input}
        id={id}
        className={className}
        aria-invalid={problem ? true : undefined}
        aria-describedby={about}
      />
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {problem && (
        <p className="problem" id={`${id}-problem`}>
          <Icon name="block" className="sm" />
          {problem}
        </p>
      )}
    </div>
  );
}
