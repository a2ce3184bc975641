'use strict';
/* The page is whole without this: it only filters what is there, and opens what a link leads to. */
(() => {
  const form = document.getElementById('filter');
  const status = document.getElementById('shown');
  const parts = Array.from(document.querySelectorAll('.findings'), (node) => ({ node, findings: Array.from(node.children) }));
  const findings = parts.flatMap((part) => part.findings);
  const texts = new Map();
  const textOf = (finding) => {
    let text = texts.get(finding);
    if (text === undefined) {
      text = (findings.length > 20000 ? finding.firstElementChild : finding).textContent.toLowerCase();
      texts.set(finding, text);
    }
    return text;
  };

  const wanted = () => {
    const data = new FormData(form);
    const severities = new Set(data.getAll('severity'));
    return {
      severities: severities.size ? severities : null,
      words: data.get('text').toLowerCase().split(/\s+/).filter(Boolean),
      isFixable: data.has('fixable'),
      isExploited: data.has('kev'),
    };
  };
  const matches = (finding, want) =>
    (!want.severities || want.severities.has(finding.classList[1])) &&
    (!want.isFixable || 'fix' in finding.dataset) &&
    (!want.isExploited || 'kev' in finding.dataset) &&
    want.words.every((word) => textOf(finding).includes(word));

  /* A part of which nothing is left is hidden as a whole: its findings need not be touched. */
  let shown = findings;
  const applyTo = (part, want) => {
    const wantedHere = part.findings.filter((finding) => matches(finding, want));
    part.node.hidden = wantedHere.length === 0;
    if (part.node.hidden) return [];
    const isWanted = new Set(wantedHere);
    for (const finding of part.findings)
      if (finding.hidden === isWanted.has(finding)) finding.hidden = !finding.hidden;
    part.node.style.containIntrinsicBlockSize = `auto ${wantedHere.length * 2.3}rem`;
    return wantedHere;
  };
  const apply = () => {
    const want = wanted();
    shown = parts.flatMap((part) => applyTo(part, want));
    const n = shown.length;
    const isFiltered = n !== findings.length;
    status.textContent = isFiltered ? `${n} of ${findings.length} findings shown by the filter` : `${n} findings shown`;
    status.hidden = false;
  };

  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(apply, 120);
  };
  if (form) {
    form.hidden = false;
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('input', later);
    form.addEventListener('reset', () => setTimeout(apply));
    document.getElementById('open').addEventListener('click', () => {
      const isOpen = shown.some((finding) => !finding.open);
      for (const finding of shown) finding.open = isOpen;
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input')) return;
      event.preventDefault();
      form.elements.text.focus();
    });
    apply();
  }

  const reveal = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target || !target.matches('details')) return;
    if (target.hidden || target.closest('.findings[hidden]')) {
      form.reset();
      apply();
    }
    for (let node = target; node; node = node.parentElement) if (node.matches('details')) node.open = true;
    setTimeout(() => target.scrollIntoView());
  };
  addEventListener('hashchange', reveal);
  reveal();

  /* For browsers without ::details-content. */
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = Array.from(document.querySelectorAll('details:not([open])'));
    for (const details of opened) details.open = true;
  });
  addEventListener('afterprint', () => {
    for (const details of opened) details.open = false;
    opened = [];
  });
})();
