(function () {
  var root = document.documentElement;
  var buttons = document.querySelectorAll(".languages button");
  function show(language) {
    root.dataset.language = language;
    root.lang = language === "en" ? "en" : "zh-CN";
    buttons.forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.language === language));
    });
    document.querySelectorAll("nav a, ul.links a:not([href^='#'])").forEach(function (link) {
      link.search = "?lang=" + language;
    });
  }
  buttons.forEach(function (button) {
    button.addEventListener("click", function () { show(button.dataset.language); });
  });
  var asked = new URLSearchParams(location.search).get("lang");
  var preferred = (navigator.language || "zh").toLowerCase().indexOf("zh") === 0 ? "zh" : "en";
  show(asked === "zh" || asked === "en" ? asked : preferred);
})();
