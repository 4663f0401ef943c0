"""Codes that every platform shares. Plans and illnesses are a platform's own and live in conf/."""

TIERS = ("standard", "basic")
SEXES = ("F", "M")
EXIT_REASONS = ("left", "aided", "arrears", "age", "ineligible")
SEVERITIES = ("severe", "light")
OBJECTIONS = ("none", "pending", "upheld", "dismissed")
RECEIPT_OUTCOMES = ("collected", "failed", "returned")
COST_CATEGORIES = ("investigation", "technology", "staff_and_premises")
DECISIONS = ("approved", "refused", "fraud")
TECHNIQUES = ("ocr", "remote_interview", "graph", "field")
SITE_KINDS = ("hospital", "insurance_office")
CITY_TIERS = (1, 2, 3, 4, 5, 6)  # 6 = rural

# GB/T 2260, the two digits of province-level divisions.
PROVINCES = {
    "11": "Beijing", "12": "Tianjin", "13": "Hebei", "14": "Shanxi", "15": "Inner Mongolia",
    "21": "Liaoning", "22": "Jilin", "23": "Heilongjiang",
    "31": "Shanghai", "32": "Jiangsu", "33": "Zhejiang", "34": "Anhui", "35": "Fujian", "36": "Jiangxi",
    "37": "Shandong",
    "41": "Henan", "42": "Hubei", "43": "Hunan", "44": "Guangdong", "45": "Guangxi", "46": "Hainan",
    "50": "Chongqing", "51": "Sichuan", "52": "Guizhou", "53": "Yunnan", "54": "Tibet",
    "61": "Shaanxi", "62": "Gansu", "63": "Qinghai", "64": "Ningxia", "65": "Xinjiang",
    "71": "Taiwan", "81": "Hong Kong", "82": "Macao",
}  # fmt: skip
