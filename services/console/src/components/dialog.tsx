import { useEffect, useId, useRef, type ReactNode } from 'react';

interface DialogProps {
  title: string;
  onClose?: () => void;
  children: ReactNode;
  /** Hides the title from view where the content says it. */
  titleHidden?: boolean;
  className?: string;
}

/**
 * A modal dialog: the browser keeps the focus inside, makes the rest inert and gives the focus back. Without `onClose` it stays
 * until what it asks for is done.
 */
export function Dialog({ title, onClose, children, titleHidden, className }: DialogProps) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    const opener = document.activeElement;
    if (!element.open) element.showModal();
    element.querySelector<HTMLElement>('[data-autofocus]')?.focus();
    return () => {
      element.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className={className ? `dialog ${className}` : 'dialog'}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose?.();
      }}
    >
      <header className={titleHidden ? 'sr' : undefined}>
        <h2 id={id}>{title}</h2>
      </header>
      {children}
    </dialog>
  );
}
